"""Training AffinityNet from seed cues (paper, sections 3.2 and 3.3; METHOD, sections 2 and 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.data.classes import VOID
from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.learn.augment import Augmentation
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loader import Draw, Sample, Samples
from trainer.learn.loop import Recipe, Step, steps
from trainer.method.affinity import affinity_loss
from trainer.models.affinitynet import AFFINITY_STRIDE, AffinityNet
from trainer.models.fuse import fused_for_training

RECIPE = Recipe(epochs=12, batch=8, head_rate=5e-3, backbone_rate=1e-4, views=Augmentation(crop=320))
MAJORITY = 0.6
"""A cell has a label where at least this share of its pixels has it [ours]."""
NAME = "AffinityNet"


def affinity_steps(
    net: AffinityNet,
    views: Sequence[np.ndarray],
    seeds: Sequence[np.ndarray],
    recipe: Recipe = RECIPE,
    group: ProcessGroup = SINGLE_PROCESS,
    checkpoint: Checkpoint | None = None,
    workers: int | None = None,
) -> Iterator[Step]:
    """Train a new `net` in place and report every batch.

    Only at the end does it hold what was learnt, and is in evaluation mode.

    Args:
        net: its backbone is trained too, with the recipe's lower rate.
        views: photos, uint8 H×W×3.
        seeds: uint8 H×W seed cues of each: 0 background, class ids, 255 neutral.
        recipe: length, rates and views.
        group: the processes that share the batches.
        checkpoint: kept on the way; where there is one, the training continues from it.
        workers: processes that load photos; None: as many as suit the device.
    """
    device = net.head.fuse.weight.device

    def inputs_of(batch: Sequence[Sample]) -> Tensor:
        pixels = torch.stack([sample.pixels for sample in batch]).to(device)
        return net.backbone.convention.normalise(pixels).contiguous(memory_format=torch.channels_last)

    def loss_of(fused: AffinityNet, batch: Sequence[Sample]) -> Tensor:
        labels = cell_labels(torch.stack([sample.labels for sample in batch]).to(device).long())
        features = fused(inputs_of(batch)).float()
        # Image by image [ours; the paper takes the mean over all pairs of a batch], so that a batch's loss is
        # the mean over its images in any number of processes.
        losses = [
            affinity_loss(f[None], label[None]).total for f, label in zip(features, labels, strict=True)
        ]
        return torch.stack(losses).mean()

    samples = Samples(views, recipe.views, seeds)
    first = [
        Draw(index, np.random.default_rng((recipe.seed, index))) for index in range(min(len(samples), 8))
    ]
    with torch.no_grad():
        net.head.fit_scale(net.taps_of(inputs_of([samples[draw] for draw in first])))
    with fused_for_training(net.train(), net.backbone) as fused:
        yield from steps(
            fused,
            fused.backbone,
            samples,
            partial(loss_of, fused),
            recipe,
            NAME,
            group,
            checkpoint,
            workers,
        )
    net.eval()


def cell_labels(labels: Tensor) -> Tensor:
    """Return the label most pixels of each cell share; 255 where no label has the majority.

    Args:
        labels: int64 B×H×W, sides multiples of the affinity stride.

    Returns:
        int64 B×h×w.
    """
    shape = labels[:, ::AFFINITY_STRIDE, ::AFFINITY_STRIDE].shape
    cells = torch.full(shape, VOID, dtype=torch.int64, device=labels.device)
    for label in labels.unique().tolist():
        if label != VOID:
            share = functional.avg_pool2d((labels == label).float(), AFFINITY_STRIDE)
            cells[share >= MAJORITY] = label
    return cells
