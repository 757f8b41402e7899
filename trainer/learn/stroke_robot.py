"""Simulated strokes and spoilt masks for training the stroke network: a batch at once, on the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trainer.method.guidance import distance

WANTED, UNWANTED = 1, 2
"""What strokes are labelled; 0 is untouched."""


@dataclass(frozen=True)
class Habits:
    """How the annotator paints; lengths in cells of the grid of stride 2.

    Attributes:
        exact: share of the clicks that go to the deepest point of the error, as the judge's do.
        lines: share of strokes that are drawn, not clicked.
        longest: of a drawn stroke.
        radius: smallest and largest brush.
        spilling: share of strokes that go up to :attr:`spill` over the edge.
        careless: share of strokes that are not kept to their side at all.
        slips: share of strokes that were wrong at first and then painted over, not quite to their edge.
    """

    exact: float = 0.5
    lines: float = 0.3
    longest: float = 40.0
    radius: tuple[float, float] = (1.0, 4.0)
    spilling: float = 0.2
    spill: float = 1.5
    careless: float = 0.05
    slips: float = 0.05


CAREFUL = Habits(exact=1, lines=0, radius=(2, 2), spilling=0, careless=0, slips=0)
"""RITM's robot: a click into the deepest point, a small disc that keeps to its side."""


class Click(NamedTuple):
    """A place in each view and what the truth is there: rows, columns, labels; 0 where there is no error."""

    y: Tensor
    x: Tensor
    label: Tensor


def find_clicks(
    answer: Tensor, truth: Tensor, known: Tensor, painted: Tensor, exact: float, generator: torch.Generator
) -> Click:
    """Return the next click in each view: deep inside the larger of what is missing and what is too much.

    Args:
        answer: bool ``B×h×w``, the mask so far.
        truth: bool ``B×h×w``.
        known: bool ``B×h×w``; elsewhere is no error.
        painted: uint8 ``B×h×w``, the strokes so far; where they are is no error.
        exact: share of the clicks at the deepest point; the others may go anywhere in an error, the deeper
            the likelier.
        generator: on the device.
    """
    open_ = known & (painted == 0)
    depths = torch.stack([depth(error & open_) for error in (truth & ~answer, answer & ~truth)], 1)
    drawn = torch.rand(depths.shape, generator=generator, device=depths.device)
    loose = torch.rand(len(depths), 1, 1, 1, generator=generator, device=depths.device) >= exact
    # The sign of the error is the deeper one's, wherever in it the click goes.
    missing, much = depths.amax((2, 3)).unbind(1)
    label = torch.where(missing > much, WANTED, UNWANTED)
    side = depths.gather(1, (label - 1).view(-1, 1, 1, 1).expand(-1, 1, *depths.shape[2:]))[:, 0]
    noise = drawn.gather(1, (label - 1).view(-1, 1, 1, 1).expand(-1, 1, *depths.shape[2:]))[:, 0]
    side = torch.where(loose[:, 0], side * noise, side)
    place = side.flatten(1).argmax(1)
    width = side.shape[-1]
    return Click(place // width, place % width, label * (torch.maximum(missing, much) > 0))


def depth(area: Tensor) -> Tensor:
    """Distance to the nearest cell outside an area, as is the border: bool → float ``B×h×w``."""
    around = functional.pad(~area, (1, 1, 1, 1), value=True)
    dtype = torch.float16 if area.is_cuda else torch.float32
    return distance(around, dtype)[:, 1:-1, 1:-1].float()


def paint(
    painted: Tensor, click: Click, truth: Tensor, habits: Habits, active: Tensor, generator: torch.Generator
) -> Tensor:
    """Return the strokes with one more in each active view: uint8 ``B×h×w``.

    Args:
        painted: uint8 ``B×h×w``, the strokes so far.
        click: where each begins.
        truth: bool ``B×h×w``.
        habits: how they are drawn.
        active: bool ``(B,)``.
        generator: on the device.
    """
    count, height, width = painted.shape
    device = painted.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, generator=generator, device=device)

    chances = torch.rand(4, count, 1, 1, generator=generator, device=device)
    length = torch.where(chances[0] < habits.lines, uniform(4, habits.longest), 0.0)
    careless = chances[1] < habits.careless
    length = torch.where(careless, length.clamp(max=8), length)
    angle, radius = uniform(0, 2 * torch.pi), uniform(*habits.radius)
    y = torch.arange(height, device=device).view(1, -1, 1) - click.y.view(-1, 1, 1)
    x = torch.arange(width, device=device).view(1, 1, -1) - click.x.view(-1, 1, 1)
    along = (y * angle.sin() + x * angle.cos()).clamp(min=0).minimum(length)
    away = ((y - along * angle.sin()) ** 2 + (x - along * angle.cos()) ** 2).sqrt()
    label = click.label.view(-1, 1, 1)
    side = truth == (label == WANTED)
    near = functional.max_pool2d(side.float()[:, None], 3, 1, 1)[:, 0] > 0
    near = torch.where(chances[2] < habits.spilling, near, side) | careless
    chosen = active.view(-1, 1, 1) & (label > 0)
    stroke = (away <= radius) & near & chosen
    slip = (away <= radius + uniform(0.5, 2)) & chosen & (chances[3] < habits.slips)
    painted = torch.where(slip, (WANTED + UNWANTED - label).to(painted.dtype), painted)
    return torch.where(stroke, label.to(painted.dtype), painted)


def coverage_of(painted: Tensor) -> Tensor:
    """Strokes on the grid of stride 2 → shares of the cells of stride 4 they cover, ``B×2×h/2×w/2``."""
    planes = torch.stack([painted == WANTED, painted == UNWANTED], 1).float()
    return functional.avg_pool2d(planes, 2)


def spoilt(truth: Tensor, generator: torch.Generator) -> Tensor:
    """Masks as automatic ones are wrong, in [0, 1]: cut elsewhere, parts and boxes lost or added.

    Args:
        truth: bool ``B×h×w``, on the grid of stride 2.
        generator: on the device.

    Returns:
        float ``B×1×h/2×w/2``.
    """
    count, height, width = truth.shape
    device = truth.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator, device=device)

    size = (height // 2, width // 2)
    mask = functional.avg_pool2d(truth.float()[:, None], 2)
    levels = [mask]
    for factor in (4, 12):
        smooth = functional.interpolate(
            functional.avg_pool2d(mask, factor, ceil_mode=True, count_include_pad=False),
            size,
            mode="bilinear",
        )
        levels.append(smooth)
    kind = uniform(0, 1)
    field = torch.where(kind < 0.3, levels[0], torch.where(kind < 0.65, levels[1], levels[2]))
    rough = torch.randn(
        count, 1, max(2, size[0] // 10), max(2, size[1] // 10), generator=generator, device=device
    )
    field = field + uniform(0, 0.45) * functional.interpolate(rough, size, mode="bicubic")
    threshold = uniform(0.25, 0.7)
    hard = (field > threshold).float()
    # Automatic masks also take other things for the object, and overlook parts of it.
    other = mask.roll(1, 0)
    hard = torch.where((uniform(0, 1) < 0.12), torch.maximum(hard, other), hard)
    hard = torch.where((uniform(0, 1) < 0.2), hard * (1 - _boxes(size, uniform)), hard)
    hard = torch.where((uniform(0, 1) < 0.08), hard * _boxes(size, uniform), hard)
    hard = torch.where((uniform(0, 1) < 0.12), torch.maximum(hard, _boxes(size, uniform)), hard)
    hard = torch.where(uniform(0, 1) < 0.1, _bounding(mask), hard)
    return torch.where(uniform(0, 1) < 0.2, torch.sigmoid(8 * (field - threshold)), hard)


def _boxes(size: tuple[int, int], uniform: Callable[[float, float], Tensor]) -> Tensor:
    centre_y, centre_x = uniform(0, 1), uniform(0, 1)
    half_y, half_x = uniform(0.05, 0.3), uniform(0.05, 0.3)
    device = centre_y.device
    y = (torch.arange(size[0], device=device) / size[0]).view(1, 1, -1, 1)
    x = (torch.arange(size[1], device=device) / size[1]).view(1, 1, 1, -1)
    return (((y - centre_y).abs() < half_y) & ((x - centre_x).abs() < half_x)).float()


def _bounding(mask: Tensor) -> Tensor:
    """The bounding boxes of masks, ``B×1×h×w``."""
    sides = []
    for axis in (2, 3):
        seen = mask.amax(5 - axis, keepdim=True) > 0
        before = seen.float().cummax(axis).values
        after = seen.flip(axis).float().cummax(axis).values.flip(axis)
        sides.append(before * after)
    return sides[0] * sides[1]
