"""Training the CAM classifier from image-level tags (paper, section 3.1; METHOD, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from trainer.crew import ALONE, Crew
from trainer.learn.augment import AUGMENTATION, Augmentation
from trainer.learn.loop import Draw, Recipe, train
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import fused_for_training
from trainer.progress import Reporter

RECIPE = Recipe(epochs=10, batch=16, head_rate=2e-3, backbone_rate=2e-4)


def train_classifier(
    classifier: CamClassifier,
    views: Sequence[np.ndarray],
    tags: Sequence[Sequence[int]],
    recipe: Recipe = RECIPE,
    augmentation: Augmentation = AUGMENTATION,
    report: Reporter | None = None,
    crew: Crew = ALONE,
) -> None:
    """Train `classifier` in place; it is left in evaluation mode.

    Args:
        classifier: row i of its head is class id i + 1.
        views: photos, uint8 H×W×3.
        tags: class ids of each photo; an image without any teaches what is not there.
        recipe: length and rates.
        augmentation: how the photos vary.
        report: told of every batch.
        crew: the processes that share the batches.
    """
    device = classifier.head.weight.device
    targets = torch.zeros(len(tags), classifier.class_count)
    for row, ids in zip(targets, tags, strict=True):
        row[[class_id - 1 for class_id in ids]] = 1

    def loss_of(net: CamClassifier, draws: Sequence[Draw]) -> torch.Tensor:
        pixels = torch.stack([augmentation(views[draw.index], draw.rng)[0] for draw in draws]).to(device)
        inputs = net.backbone.convention.normalise(pixels)
        logits = net(inputs.contiguous(memory_format=torch.channels_last))
        return functional.multilabel_soft_margin_loss(
            logits, targets[[draw.index for draw in draws]].to(device)
        )

    with fused_for_training(classifier.train(), classifier.backbone) as net:
        train(net, net.backbone, len(tags), partial(loss_of, net), recipe, "classifier", report, crew)
    classifier.eval()
