"""Training a segmentation network on propagated masks, and predicting with it (SEED.txt, step five)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from trainer.crew import ALONE, Crew
from trainer.data.classes import BACKGROUND, VOID, labels_in
from trainer.learn.augment import Augmentation
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loop import Draw, Recipe, Step, steps
from trainer.models.fuse import fused_for_training
from trainer.models.segnet import SegmentationNet

RECIPE = Recipe(epochs=12, batch=8, head_rate=3e-3, backbone_rate=2e-4, views=Augmentation(crop=320))
SCALES = (1.0, 0.75, 1.5)
ABSENT = 0.1
"""Weight of rejecting the classes a photo does not show, beside telling apart those it does."""
NAME = "segmentation network"


def segmentation_steps(
    net: SegmentationNet,
    views: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    recipe: Recipe = RECIPE,
    crew: Crew = ALONE,
    checkpoint: Checkpoint | None = None,
) -> Iterator[Step]:
    """Train `net` in place, telling of every batch; at the end it is in evaluation mode.

    Args:
        net: row 0 of its last layer is background, row i class id i.
        views: photos, uint8 H×W×3.
        masks: uint8 H×W of each; pixels of 255 teach nothing.
        recipe: length, rates and views.
        crew: the processes that share the batches.
        checkpoint: kept on the way, and gone on from where there is one.
    """
    device = net.classify.weight.device
    weights = class_weights(masks, net.classify.out_channels).to(device)
    shown = [sorted({BACKGROUND, *labels_in(mask)} - {VOID}) for mask in masks]

    def loss_of(fused: SegmentationNet, draws: Sequence[Draw]) -> torch.Tensor:
        pairs = [recipe.views(views[draw.index], draw.rng, masks[draw.index]) for draw in draws]
        pixels = torch.stack([pixels for pixels, _ in pairs]).to(device)
        labels = torch.stack([labels for _, labels in pairs]).to(device)
        inputs = fused.backbone.convention.normalise(pixels).contiguous(memory_format=torch.channels_last)
        losses = [
            pixel_loss(scores, label, shown[draw.index], weights)
            for scores, label, draw in zip(fused(inputs), labels, draws, strict=True)
        ]
        # Image by image, so that a batch's loss is the mean over its images whoever computes them.
        return torch.stack(losses).mean()

    with fused_for_training(net.train(), net.backbone) as fused:
        yield from steps(
            fused, fused.backbone, len(masks), partial(loss_of, fused), recipe, NAME, crew, checkpoint
        )
    net.eval()


def pixel_loss(
    scores: torch.Tensor, labels: torch.Tensor, shown: Sequence[int], weights: torch.Tensor
) -> torch.Tensor:
    """Return the mean loss of a photo's pixels, those of 255 left out; 0 where there are no others.

    Cross entropy is a sum of two parts: that of the label among those the photo shows, and that of these
    among all labels. The second asks for tags, which most often are known, and on few photos it is learnt at
    the cost of the first and of rare classes. Hence it counts only `ABSENT`; with 1 this is cross entropy.

    Args:
        scores: float L×H×W, not normalised.
        labels: int64 H×W.
        shown: all labels of the photo, background among them.
        weights: float ``(L,)``, what a pixel of each label counts.
    """
    known = labels != VOID
    wanted, among = labels[known], scores[:, known]
    present = among[list(shown)].logsumexp(dim=0)
    right = among.gather(0, wanted[None])[0]
    losses = present - right + ABSENT * (among.logsumexp(dim=0) - present)
    return (weights[wanted] * losses).sum() / max(1, len(wanted))


def class_weights(masks: Sequence[np.ndarray], labels: int) -> torch.Tensor:
    """Return what a pixel of each label counts: 1/√(its share of all pixels), 1 on average over them.

    Without it a class that few photos show is never predicted; in full proportion (1/share) such a class
    would spill over others.

    Args:
        masks: uint8 H×W of each photo; 255 is not counted.
        labels: number of labels, background included.

    Returns:
        float32 ``(labels,)``; 1 for a label no mask has.
    """
    counts = torch.zeros(VOID + 1, dtype=torch.float64)
    for mask in masks:
        counts += torch.from_numpy(np.bincount(mask.ravel(), minlength=VOID + 1))
    shares = counts[:labels] / counts[:labels].sum().clamp(min=1)
    roots = shares.sqrt()  # Σ share · 1/√share = Σ √share
    return torch.where(roots > 0, 1 / (roots * roots.sum()), 1.0).float()


@torch.inference_mode()
def predict(
    net: SegmentationNet,
    image: np.ndarray,
    tags: Sequence[int] | None = None,
    scales: Sequence[float] = SCALES,
) -> np.ndarray:
    """Return class probabilities of an image, averaged over scales and mirror images.

    Args:
        net: in evaluation mode.
        image: uint8 H×W×3 RGB.
        tags: class ids known to be there; no other is possible then. None: all classes.
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
