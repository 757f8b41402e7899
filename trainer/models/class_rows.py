"""Networks made for one class list, used for another: the rows of their heads are matched by name."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from trainer.models.base import Backbone
from trainer.models.bundle import Bundle
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet

NOWHERE = -1e4
"""Score, before the softmax, of a class that a segmentation network has not learnt."""


def with_classes(bundle: Bundle, names: Sequence[str]) -> Bundle:
    """Return the models with one row for each class of `names`, in that order.

    A class that they have not learnt has an empty row: no CAM, and no pixel of a segmentation. The bundle
    itself is left as it is; the backbones are the same objects.
    """
    if bundle.classes == tuple(names):
        return bundle
    row_of = {name: row for row, name in enumerate(bundle.classes)}
    rows = [row_of.get(name) for name in names]
    classifier, segmentation = bundle.classifier, bundle.segmentation
    if classifier is not None:
        classifier = copy.deepcopy(classifier, {id(classifier.backbone): classifier.backbone})
        classifier.head = _with_rows(classifier.head, rows)
    if segmentation is not None:
        segmentation = copy.deepcopy(segmentation, {id(segmentation.backbone): segmentation.backbone})
        labels = [0, *(None if row is None else 1 + row for row in rows)]  # the first row is background
        segmentation.classify = _with_rows(segmentation.classify, labels)
    return replace(bundle, classes=tuple(names), classifier=classifier, segmentation=segmentation)


def grown(network: SegmentationNet, class_count: int) -> SegmentationNet:
    """Return the network with empty rows for the classes that were added since it learnt; the backbone is the
    same object.
    """
    missing = 1 + class_count - network.classify.out_channels
    if missing <= 0:
        return network
    network = copy.deepcopy(network, {id(network.backbone): network.backbone})
    rows = [*range(network.classify.out_channels), *[None] * missing]
    network.classify = _with_rows(network.classify, rows)
    return network


def empty_classifier(backbone: Backbone, class_count: int) -> CamClassifier:
    """Return a classifier in evaluation mode that has not learnt any of its classes."""
    classifier = CamClassifier(backbone, class_count)
    nn.init.zeros_(classifier.head.weight)
    return classifier.eval()


def learnt_rows(head: nn.Conv2d) -> list[int]:
    """Return the rows of a head that are not empty."""
    return torch.nonzero(head.weight.flatten(1).any(dim=1))[:, 0].tolist()


def segments(network: SegmentationNet, classifier: CamClassifier, classes: Sequence[int]) -> bool:
    """Tell whether a segmentation network makes the mask of a photo that shows the class ids `classes`.

    It does not where it lacks one that the classifier has learnt: propagation then shows all of them.
    """
    segmented, known = set(learnt_rows(network.classify)), {1 + row for row in learnt_rows(classifier.head)}
    return known.intersection(classes) <= segmented


def forget(head: nn.Conv2d, rows: Sequence[int]) -> None:
    """Empty rows of a head, in place: those of classes that no example showed."""
    with torch.no_grad():
        head.weight[list(rows)] = 0
        if head.bias is not None:
            head.bias[list(rows)] = NOWHERE


def _with_rows(head: nn.Conv2d, rows: Sequence[int | None]) -> nn.Conv2d:
    """Return a 1×1 convolution with these rows of `head`; None stands for an empty one."""
    made = nn.Conv2d(head.in_channels, len(rows), 1, bias=head.bias is not None, device=head.weight.device)
    with torch.no_grad():
        made.weight.zero_()
        if made.bias is not None:
            made.bias.fill_(NOWHERE)
        for row, source in enumerate(rows):
            if source is None:
                continue
            made.weight[row] = head.weight[source]
            if made.bias is not None and head.bias is not None:
                made.bias[row] = head.bias[source]
    return made.eval()
