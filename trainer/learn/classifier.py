"""Training the CAM classifier from image-level tags (paper, section 3.1; METHOD, section 1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loader import Sample, Samples
from trainer.learn.loop import Recipe, Step, steps
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import fused_for_training

RECIPE = Recipe(epochs=12, batch=16, head_rate=2e-3, backbone_rate=2e-4)
NAME = "classifier"


def classifier_steps(
    classifier: CamClassifier,
    views: Sequence[np.ndarray],
    tags: Sequence[Sequence[int]],
    recipe: Recipe = RECIPE,
    group: ProcessGroup = SINGLE_PROCESS,
    checkpoint: Checkpoint | None = None,
    workers: int | None = None,
) -> Iterator[Step]:
    """Train `classifier` in place and report every batch.

    Only at the end does it hold what was learnt, and is in evaluation mode.

    Args:
        classifier: row i of its head is class id i + 1.
        views: photos, uint8 H×W×3.
        tags: class ids of each photo; an image without any teaches what is not there.
        recipe: length, rates and views.
        group: the processes that share the batches.
        checkpoint: kept on the way; where there is one, the training continues from it.
        workers: processes that load photos; None: as many as suit the device.
    """
    device = classifier.head.weight.device
    targets = torch.zeros(len(tags), classifier.class_count)
    for row, ids in zip(targets, tags, strict=True):
        row[[class_id - 1 for class_id in ids]] = 1

    def loss_of(net: CamClassifier, batch: Sequence[Sample]) -> torch.Tensor:
        pixels = torch.stack([sample.pixels for sample in batch]).to(device)
        inputs = net.backbone.convention.normalise(pixels)
        logits = net(inputs.contiguous(memory_format=torch.channels_last)).float()
        return functional.multilabel_soft_margin_loss(
            logits, targets[[sample.draw.index for sample in batch]].to(device)
        )

    with fused_for_training(classifier.train(), classifier.backbone) as net:
        yield from steps(
            net,
            net.backbone,
            Samples(views, recipe.views),
            partial(loss_of, net),
            recipe,
            NAME,
            group,
            checkpoint,
            workers,
        )
    classifier.eval()
