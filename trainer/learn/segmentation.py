"""Training a segmentation network on propagated masks, and predicting with it (SEED.txt, step five)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from trainer.data.classes import BACKGROUND, VOID, labels_in
from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.learn.augment import WholePhoto
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loader import Sample, Samples
from trainer.learn.loop import Recipe, Step, steps
from trainer.models.dropout import dropping_by
from trainer.models.fuse import fused_for_training
from trainer.models.segnet import SegmentationNet

RECIPE = Recipe(epochs=12, batch=8, head_rate=3e-3, backbone_rate=2e-4, views=WholePhoto())
PREDICTION_SCALES = (1.0, 0.75, 1.5)
ABSENT = 0.1
"""Weight of rejecting the classes a photo does not show, relative to telling apart those it shows."""
FOREGROUND = 4.0
"""Weight of a pixel of an object, relative to one of background; with 1, small objects are lost."""
RARITY = 0.75
"""Exponent of the inverse frequency of a class in its weight: 0 weighs all pixels alike, 1 all classes."""
NAME = "segmentation network"


def segmentation_steps(
    net: SegmentationNet,
    views: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    recipe: Recipe = RECIPE,
    group: ProcessGroup = SINGLE_PROCESS,
    checkpoint: Checkpoint | None = None,
    workers: int | None = None,
) -> Iterator[Step]:
    """Train `net` in place and report every batch; at the end it is in evaluation mode.

    Args:
        net: row 0 of its last layer is background, row i class id i.
        views: photos, uint8 H×W×3.
        masks: uint8 H×W of each; pixels of 255 are ignored.
        recipe: length, rates and views.
        group: the processes that share the batches.
        checkpoint: kept on the way; where there is one, the training continues from it.
        workers: processes that load photos; None: as many as suit the device.
    """
    device = net.classify.weight.device
    weights = class_weights(masks, net.classify.out_channels).to(device)
    shown = [sorted({BACKGROUND, *labels_in(mask)} - {VOID}) for mask in masks]
    # Between the centres of its cells a map is linear: two pixels a cell in each direction determine it.
    every = net.finer[0].stride // 2

    def loss_of(fused: SegmentationNet, batch: Sequence[Sample]) -> torch.Tensor:
        # All photos go to the device first: a copy waits for whatever the device still computes.
        pixels = [sample.pixels[None].to(device) for sample in batch]
        labels = [sample.labels[::every, ::every].to(device).long() for sample in batch]
        # One by one: whole photos differ in size, and the loss must not depend on the number of processes.
        losses = []
        for sample, photo, wanted in zip(batch, pixels, labels, strict=True):
            inputs = fused.backbone.convention.normalise(photo)
            with dropping_by(fused, [sample.draw.rng]):
                scores = fused(inputs.contiguous(memory_format=torch.channels_last), every)[0].float()
            losses.append(pixel_loss(scores, wanted, shown[sample.draw.index], weights))
        return torch.stack(losses).mean()

    with fused_for_training(net.train(), net.backbone) as fused:
        yield from steps(
            fused,
            fused.backbone,
            Samples(views, recipe.views, masks),
            partial(loss_of, fused),
            recipe,
            NAME,
            group,
            checkpoint,
            workers,
        )
    net.eval()


def pixel_loss(
    scores: torch.Tensor, labels: torch.Tensor, shown: Sequence[int], weights: torch.Tensor
) -> torch.Tensor:
    """Return the mean loss of a photo's pixels, those of 255 left out; 0 where there are no others.

    Cross entropy is a sum of two parts: that of the label among those the photo shows, and that of these
    among all labels. The second predicts tags, which are mostly known, and with few photos it is learnt at
    the expense of the first and of rare classes. Hence its weight is `ABSENT`; with 1 this is cross entropy.

    Args:
        scores: float L×H×W, not normalised.
        labels: int64 H×W.
        shown: all labels of the photo, background among them.
        weights: float ``(L,)``, the weight of a pixel of each label.
    """
    known = labels != VOID
    wanted, among = labels[known], scores[:, known]
    present = among[list(shown)].logsumexp(dim=0)
    right = among.gather(0, wanted[None])[0]
    losses = present - right + ABSENT * (among.logsumexp(dim=0) - present)
    return (weights[wanted] * losses).sum() / max(1, len(wanted))


def class_weights(masks: Sequence[np.ndarray], labels: int) -> torch.Tensor:
    """Return the weight of a pixel of each label, 1 on average over all pixels [ours].

    A pixel of an object weighs `FOREGROUND` times as much as one of background, on average; among the classes
    its weight is 1/(share of all pixels)^`RARITY`. With 1 for all, a class that few photos show is never
    predicted; in full proportion (1/share) it would spill over others.

    Args:
        masks: uint8 H×W of each photo; 255 is not counted.
        labels: number of labels, background included.

    Returns:
        float32 ``(labels,)``; 0 for a class that no mask has.
    """
    counts = torch.zeros(VOID + 1, dtype=torch.float64)
    for mask in masks:
        counts += torch.from_numpy(np.bincount(mask.ravel(), minlength=VOID + 1))
    shares = counts[:labels] / counts[:labels].sum().clamp(min=1)
    weights = torch.where(shares > 0, shares**-RARITY, 0)
    weights[BACKGROUND] = 1
    weights[1:] *= FOREGROUND / _average(weights[1:], shares[1:])
    return (weights / _average(weights, shares)).float()


def _average(weights: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return the mean weight by share; 1 where there are no shares."""
    return (weights * shares).sum() / shares.sum() if shares.any() else torch.ones(())


@torch.inference_mode()
def predict(
    net: SegmentationNet,
    image: np.ndarray,
    tags: Sequence[int] | None = None,
    scales: Sequence[float] = PREDICTION_SCALES,
) -> np.ndarray:
    """Return class probabilities of an image, averaged over scales and mirror images.

    Args:
        net: in evaluation mode.
        image: uint8 H×W×3 RGB.
        tags: class ids known to be there: only they and background are possible. None: all classes.
        scales: factors on the image's size.

    Returns:
        float32 (K+1)×H×W that sum to one: background, then `tags` in their order (or all classes).
    """
    size = image.shape[:2]
    rows = slice(None) if tags is None else [BACKGROUND, *tags]
    pixels = torch.tensor(image, device=net.classify.weight.device).permute(2, 0, 1)[None].float()
    total = torch.zeros(())
    for scale in scales:
        shape = [max(1, round(side * scale)) for side in size]
        view = functional.interpolate(
            pixels, shape, mode="bilinear", align_corners=False, antialias=scale < 1
        )
        view = net.backbone.convention.normalise(torch.cat([view, view.flip(-1)]))
        logits = net(view.contiguous(memory_format=torch.channels_last))[:, rows]
        logits = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
        probabilities = logits.softmax(dim=1)
        total = total + probabilities[0] + probabilities[1].flip(-1)
    return (total / (2 * len(scales))).cpu().numpy()
