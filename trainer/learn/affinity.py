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
from trainer.learn.loop import Draw, Recipe, Step, steps
from trainer.method.affinity import affinity_loss
from trainer.models.affinitynet import AFFINITY_STRIDE, AffinityNet
from trainer.models.fuse import fused_for_training

RECIPE = Recipe(epochs=12, batch=8, head_rate=5e-3, backbone_rate=1e-4, views=Augmentation(crop=320))
MAJORITY = 0.6
"""A cell takes part where at least this share of its pixels has one label."""
NAME = "AffinityNet"


def affinity_steps(
    net: AffinityNet,
    views: Sequence[np.ndarray],
    seeds: Sequence[np.ndarray],
    recipe: Recipe = RECIPE,
    group: ProcessGroup = SINGLE_PROCESS,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Step]:
    """Train a new `net` in place, telling of every batch; at the end, and only then, it is in evaluation
    mode and worth something.

    Args:
        net: its backbone is trained too, with the recipe's lower rate.
        views: photos, uint8 H×W×3.
        seeds: uint8 H×W seed cues of each: 0 background, class ids, 255 neutral.
        recipe: length, rates and views.
        group: the processes that share the batches.
        checkpoint: kept on the way, and gone on from where there is one.
    """
    device = net.head.fuse.weight.device

    def batch(draws: Sequence[Draw]) -> tuple[Tensor, Tensor]:
        pairs = [recipe.views(views[draw.index], draw.rng, seeds[draw.index]) for draw in draws]
        pixels = torch.stack([pixels for pixels, _ in pairs]).to(device)
        inputs = net.backbone.convention.normalise(pixels).contiguous(memory_format=torch.channels_last)
        return inputs, cell_labels(torch.stack([labels for _, labels in pairs]).to(device))

    def loss_of(fused: AffinityNet, draws: Sequence[Draw]) -> Tensor:
        inputs, labels = batch(draws)
        features = fused(inputs)
        # Image by image, so that a batch's loss is the mean over its images whoever computes them.
        losses = [
            affinity_loss(f[None], label[None]).total for f, label in zip(features, labels, strict=True)
        ]
        return torch.stack(losses).mean()

    count = len(seeds)
    first = [Draw(index, np.random.default_rng((recipe.seed, index))) for index in range(min(count, 8))]
    with torch.no_grad():
        net.head.fit_scale(net.taps_of(batch(first)[0]))
    with fused_for_training(net.train(), net.backbone) as fused:
        yield from steps(
            fused, fused.backbone, count, partial(loss_of, fused), recipe, NAME, group, checkpoint
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
