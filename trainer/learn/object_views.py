"""Views of photos for the stroke network: cut, turned, recoloured and joined on the device, in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.data.classes import VOID
from trainer.learn.object_photos import ObjectPhotos

GRID = 2
"""Pixels to a cell of the grid on which truth and strokes are kept."""
SHAPES = ((272, 352), (352, 272), (320, 320))
"""Heights and widths of the views of a batch, for photos that lie, stand, or either."""
_WHOLE, _CLOSE = 0.4, 0.35
"""Shares of the views that show the whole photo, and of those that show an object from near."""
_PASTED = 0.12
_CLEAR = 1.15


class Place(NamedTuple):
    """Which photo a view shows, which of its objects is asked for, and how it is cut.

    Attributes:
        photo: index.
        target: index among the photo's targets.
        transform: float 2×3, from pixels of the view, relative to its centre, to pixels of the photo (x, y).
    """

    photo: int
    target: int
    transform: np.ndarray


@dataclass(frozen=True, eq=False)
class Views:
    """A batch of views.

    Attributes:
        pixels: float ``B×3×H×W`` in 0…255.
        truth: bool ``B×h×w``, the object asked for, on a grid of stride 2.
        known: bool ``B×h×w``, where the truth is known.
    """

    pixels: Tensor
    truth: Tensor
    known: Tensor


def orientations(photos: ObjectPhotos) -> list[np.ndarray]:
    """Indices of the photos that go with each of :data:`SHAPES`; a small collection may leave one empty."""
    ratio = photos.sizes[:, 1] / photos.sizes[:, 0]
    return [
        np.flatnonzero(ratio > 1 / _CLEAR),
        np.flatnonzero(ratio < _CLEAR),
        np.flatnonzero((ratio < 1.5) & (ratio > 1 / 1.5)),
    ]


def draw_places(
    photos: ObjectPhotos, indices: Sequence[int], shape: tuple[int, int], rng: np.random.Generator
) -> list[Place]:
    """Draw an object and a view of it for each of some photos."""
    return [_draw(photos, int(index), shape, rng) for index in indices]


def _draw(photos: ObjectPhotos, index: int, shape: tuple[int, int], rng: np.random.Generator) -> Place:
    targets, size = photos.targets[index], photos.sizes[index].astype(float)
    target = int(rng.choice(len(targets.chances), p=targets.chances))
    box = targets.boxes[target].astype(float)
    low, high = box[:2], box[2:]
    view = np.array(shape, float)
    kind = rng.random()
    if kind < _WHOLE:
        zoom = (view / size).min() * rng.uniform(0.92, 1.08)
        centre = size / 2
    elif kind < _WHOLE + _CLOSE:
        zoom = min((view / ((high - low) * (1 + 2 * rng.uniform(0.06, 0.5)))).min(), 2.2)
        centre = (low + high) / 2 + rng.uniform(-0.06, 0.06, 2) * view / zoom
    else:
        zoom = (view / size).max() * np.exp(rng.uniform(np.log(0.7), np.log(1.6)))
        centre = rng.uniform(low, high) + rng.uniform(-0.15, 0.15, 2) * view / zoom
    if kind >= _WHOLE:  # Rather the photo than what is beyond its edge.
        half = np.minimum(view / zoom, size) / 2
        centre = np.clip(centre, half, size - half)
    angle = np.deg2rad(rng.uniform(-12, 12)) * (rng.random() < 0.4)
    stretch = np.exp(rng.uniform(-0.12, 0.12))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = np.diag([stretch, 1 / stretch]) / zoom
    mirror = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0])
    return Place(index, target, np.column_stack([turn @ scale @ mirror, centre[::-1]]))


def whole_places(photos: ObjectPhotos, shape: tuple[int, int]) -> list[Place]:
    """The whole of each photo, with its likeliest object: for judging."""
    places = []
    for index, size in enumerate(photos.sizes):
        zoom = (np.array(shape) / size).min()
        transform = np.column_stack([np.eye(2) / zoom, size[::-1] / 2])
        places.append(Place(index, int(photos.targets[index].chances.argmax()), transform))
    return places


def cut_views(photos: ObjectPhotos, places: Sequence[Place], shape: tuple[int, int]) -> Views:
    """Cut views out of photos, on the device where these lie."""
    device = photos.pixels.device
    chosen = torch.tensor([place.photo for place in places], device=device)
    transforms = torch.tensor(np.stack([place.transform for place in places]), dtype=torch.float32)
    members = torch.from_numpy(
        np.stack([photos.targets[place.photo].members[place.target] for place in places])
    ).to(device)
    side = photos.pixels.shape[-1]
    rows = torch.arange(shape[0], device=device) + 0.5 - shape[0] / 2
    columns = torch.arange(shape[1], device=device) + 0.5 - shape[1] / 2
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3)
    places_ = (points @ transforms.to(device).transpose(1, 2)).view(len(places), *shape, 2)
    sizes = torch.tensor(photos.sizes[[place.photo for place in places], ::-1].copy(), device=device)
    inside = ((places_ >= 0) & (places_ < sizes[:, None, None])).all(-1)
    grid = 2 * places_ / side - 1
    # Shifted so that beyond the photo there is a mean grey.
    pixels = photos.pixels[chosen].float() - 127.5
    pixels = functional.grid_sample(pixels, grid, align_corners=False) + 127.5
    pixels = torch.where(inside[:, None], pixels, 127.5)
    parts = functional.grid_sample(
        photos.parts[chosen][:, None].float(), grid, mode="nearest", align_corners=False
    )[:, 0].long()
    truth = members.gather(1, parts.flatten(1)).view_as(parts) & inside
    return Views(pixels, _halved(truth) >= 0.5, _halved(inside & (parts != VOID)) > 0.75)


def _halved(mask: Tensor) -> Tensor:
    return functional.avg_pool2d(mask.float()[:, None], GRID)[:, 0]


def recoloured(views: Views, generator: torch.Generator) -> Views:
    """The same with brightness, contrast, colour and sharpness changed at random."""
    pixels = views.pixels
    count, device = len(pixels), pixels.device

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        drawn = torch.rand(count, channels, 1, 1, generator=generator, device=device)
        return low + (high - low) * drawn

    soft = functional.interpolate(functional.avg_pool2d(pixels, 2), pixels.shape[-2:], mode="bilinear")
    blurred = uniform(0, 1) < 0.15
    pixels = torch.where(blurred, soft, pixels)
    grey = pixels.mean(1, keepdim=True)
    pixels = grey + (pixels - grey) * uniform(0.4, 1.4)
    mean = pixels.mean((1, 2, 3), keepdim=True)
    pixels = (pixels - mean) * uniform(0.7, 1.3) + mean + uniform(-25, 25) + uniform(-12, 12, 3)
    noise = torch.randn(pixels.shape, generator=generator, device=device) * uniform(0, 5)
    return Views((pixels + noise).clamp(0, 255), views.truth, views.known)


def pasted(views: Views, generator: torch.Generator) -> Views:
    """The same with the object of another view laid over some, so that objects touch that never met.

    In half of them the object laid over is asked for, in the others what is left of the one beneath.
    """
    count, device = len(views.pixels), views.pixels.device
    drawn = torch.rand(2, count, generator=generator, device=device)
    over = views.truth.roll(1, 0)
    share = over.float().mean((1, 2))
    left = views.truth & ~over
    fits = (share > 0.01) & (share < 0.35) & (left.sum((1, 2)) > 0.5 * views.truth.sum((1, 2)))
    chosen = (drawn[0] < _PASTED) & fits
    upper = chosen & (drawn[1] < 0.5)
    cover = over & chosen[:, None, None]
    alpha = functional.interpolate(cover.float()[:, None], views.pixels.shape[-2:], mode="bilinear")
    pixels = views.pixels + alpha * (views.pixels.roll(1, 0) - views.pixels)
    truth = torch.where(upper[:, None, None], cover, views.truth & ~cover)
    return Views(pixels, truth, views.known & ~(cover & ~views.known.roll(1, 0)))
