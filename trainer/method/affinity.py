"""Semantic affinity of neighbouring pixels, and the loss that teaches it (paper, section 4.2).

    a_ij = exp(−d_ij),   d_ij = mean_k |f_ik − f_jk|

Everything is stored as pair planes (see :mod:`trainer.method.pairs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from trainer.method.pairs import RADIUS, pair_grid, pair_labels

EPSILON = 1e-5


class _PairDistance(torch.autograd.Function):
    """Mean absolute difference of every pair, with its own backward.

    A shift of the flattened grid pairs each pixel with its neighbour at one offset, so one scratch
    buffer of the size of the features serves all offsets, and nothing but the features is kept for the
    backward pass (autograd would keep two copies of them for each of the 34 offsets). Pairs that wrap
    around the border are masked.
    """

    @staticmethod
    def forward(ctx: Any, features: torch.Tensor, radius: int) -> torch.Tensor:
        batch, channels, height, width = features.shape
        pairs = pair_grid(height, width, radius)
        flat = features.detach().reshape(batch, channels, -1).contiguous()
        distance = flat.new_zeros(batch, len(pairs.offsets), pairs.size)
        scratch = torch.empty_like(flat[0]).view(-1)
        for values, planes in zip(flat, distance, strict=True):
            for shift, plane in _shifts(pairs.flat_offsets, pairs.size, planes):
                difference = scratch[: channels * len(plane)].view(channels, -1)
                torch.sub(values[:, shift:], values[:, :-shift], out=difference).abs_()
                torch.sum(difference, dim=0, out=plane)
        distance = distance.view(batch, -1, height, width).div_(channels)
        inside = torch.tensor(pairs.inside, device=flat.device)
        ctx.save_for_backward(flat, inside)
        ctx.flat_offsets = pairs.flat_offsets
        return distance.mul_(inside)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        flat, inside = ctx.saved_tensors
        batch, channels, size = flat.shape
        weights = (upstream * inside).div_(channels).view(batch, -1, size)
        gradient = torch.zeros_like(flat)
        scratch = torch.empty_like(flat[0]).view(-1)
        for values, planes, total in zip(flat, weights, gradient, strict=True):
            for shift, plane in _shifts(ctx.flat_offsets, size, planes):
                push = scratch[: channels * len(plane)].view(channels, -1)
                torch.sub(values[:, :-shift], values[:, shift:], out=push).sign_().mul_(plane)
                total[:, :-shift] += push
                total[:, shift:] -= push
        return gradient.view(batch, channels, *upstream.shape[2:]), None


def _shifts(flat_offsets: Any, size: int, planes: torch.Tensor) -> list[tuple[int, torch.Tensor]]:
    """Pair each usable flat shift with the part of its plane that has a target (none on a grid smaller
    than it)."""
    return [
        (int(shift), plane[: size - int(shift)])
        for shift, plane in zip(flat_offsets, planes, strict=True)
        if 0 < shift < size
    ]


def pair_distance(features: torch.Tensor, radius: int = RADIUS) -> torch.Tensor:
    """Return ``d_ij``, the mean over channels of ``|f_i − f_j|``, as pair planes.

    Args:
        features: float ``(B, C, h, w)`` on any device.
        radius: radius of the pair disc, in feature cells.

    Returns:
        ``(B, P, h, w)``, at least 0; 0 where the target is out of bounds. Differentiable (once).
    """
    return _PairDistance.apply(features, radius)


def pair_affinity(features: torch.Tensor, radius: int = RADIUS) -> torch.Tensor:
    """Return ``a_ij = exp(−d_ij)`` in [0, 1] as pair planes ``(B, P, h, w)``; 0 where the target is out
    of bounds."""
    height, width = features.shape[2:]
    inside = torch.tensor(pair_grid(height, width, radius).inside, device=features.device)
    return torch.exp(-pair_distance(features, radius)) * inside


@dataclass(frozen=True)
class AffinityLoss:
    """The loss of a batch and the three means it is made of; ``total`` carries the gradient."""

    total: torch.Tensor
    foreground: float
    background: float
    negative: float


def affinity_loss(
    features: torch.Tensor, labels: torch.Tensor, radius: int = RADIUS, weights: torch.Tensor | None = None
) -> AffinityLoss:
    """Return ``L = L_fg⁺/4 + L_bg⁺/4 + L⁻/2`` (paper, equations 4–7).

    Each part is the mean over its pairs in the whole batch: ``−log(a + 1e-5)`` of pairs of one class,
    ``−log(1 − a + 1e-5)`` of pairs of different classes. A part without pairs is 0.

    Args:
        features: float ``(B, C, h, w)``.
        labels: integer ``(B, h, w)``, 0 background, 255 neutral.
        radius: radius of the pair disc, in feature cells.
        weights: float ``(B, h, w)``, at least 0: how much a pixel's label is trusted, 1 as a rule and
            more where a person painted it. A pair weighs the geometric mean of its two pixels.
    """
    affinity = pair_affinity(features, radius)
    sets = pair_labels(labels, radius)
    pair_weights = None if weights is None else _pair_weights(weights.to(affinity), radius)
    positive = -torch.log(affinity + EPSILON)
    negative = -torch.log(1 - affinity + EPSILON)
    parts = [
        _masked_mean(values, chosen, pair_weights)
        for values, chosen in zip((positive, positive, negative), sets, strict=True)
    ]
    total = parts[0] / 4 + parts[1] / 4 + parts[2] / 2
    return AffinityLoss(total, *(float(part.detach()) for part in parts))


def _pair_weights(weights: torch.Tensor, radius: int) -> torch.Tensor:
    pairs = pair_grid(weights.shape[1], weights.shape[2], radius)
    planes = weights.new_zeros(len(weights), len(pairs.offsets), pairs.height, pairs.width)
    root = weights.sqrt()
    for plane, (source, target) in enumerate(pairs.overlaps):
        planes[:, plane, *source] = root[:, *source] * root[:, *target]
    return planes


def _masked_mean(values: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    share = chosen.to(values) if weights is None else chosen * weights
    return (values * share).sum() / (share.sum() + EPSILON)
