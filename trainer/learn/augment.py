"""Random views of a training photo: scale, crop, mirror, colour (METHOD, section 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.data.classes import VOID

# RGB → luma and the two colour axes of YIQ, in which hue is an angle and saturation a length.
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
_RGB = np.linalg.inv(_YIQ)


@dataclass(frozen=True, kw_only=True)
class _Variation:
    """What all views vary: left and right, brightness, contrast and saturation (`colour`), hue (in turns)."""

    mirror: bool = True
    colour: float = 0.3
    hue: float = 0.1

    def _varied(
        self, image: np.ndarray, labels: np.ndarray | None, scale: float, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Resize, vary colours and mirror: pixels float32 3×h×w and labels int64 1×h×w."""
        size = [max(1, round(side * scale)) for side in image.shape[:2]]
        pixels = torch.tensor(image).permute(2, 0, 1)[None].float()
        pixels = functional.interpolate(
            pixels, size, mode="bilinear", align_corners=False, antialias=scale < 1
        )
        pixels = jitter(pixels[0], rng, self.colour, self.hue)
        known = torch.full((1, *size), VOID, dtype=torch.int64)
        if labels is not None:
            wanted = torch.tensor(labels)[None, None].float()
            known = functional.interpolate(wanted, size, mode="nearest")[0].long()
        if self.mirror and rng.random() < 0.5:
            pixels, known = pixels.flip(-1), known.flip(-1)
        return pixels, known


@dataclass(frozen=True)
class Augmentation(_Variation):
    """How far views may differ from the photo.

    The long side is drawn from `long_side` (pixels), the crop is a square of `crop` pixels, padded in mean
    grey where the photo is smaller [ours; the paper pads in the data's mean colour].
    """

    long_side: tuple[int, int] = (256, 512)
    crop: int = 256

    def __call__(
        self, image: np.ndarray, rng: np.random.Generator, labels: np.ndarray | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw one view.

        Args:
            image: uint8 H×W×3 RGB.
            rng: the source of all randomness.
            labels: uint8 H×W; without any, all pixels are neutral.

        Returns:
            pixels float32 3×crop×crop in 0…255, and labels int64 crop×crop, 255 in the padding.
        """
        scale = rng.uniform(*self.long_side) / max(image.shape[:2])
        pixels, known = self._varied(image, labels, scale, rng)
        box = [_window(side, self.crop, rng) for side in pixels.shape[1:]]
        return _crop(pixels, box, self.crop, 127.5), _crop(known, box, self.crop, VOID)[0]


@dataclass(frozen=True)
class WholePhoto(_Variation):
    """Views of the whole photo at a size of ``scale`` times its own, never padded.

    For networks that average over the photo (group norm, image pooling): padding would teach them averages
    that no photo has.
    """

    scale: tuple[float, float] = (0.5, 1.3)

    def __call__(
        self, image: np.ndarray, rng: np.random.Generator, labels: np.ndarray | None = None
    ) -> tuple[Tensor, Tensor]:
        """Draw one view, as `Augmentation` does: pixels float32 3×h×w and labels int64 h×w."""
        scale = rng.uniform(*self.scale)
        pixels, known = self._varied(image, labels, scale, rng)
        return pixels, known[0]


def jitter(pixels: Tensor, rng: np.random.Generator, colour: float, hue: float) -> Tensor:
    """Vary brightness, contrast and saturation by factors in 1 ± `colour`, hue by ± `hue` turns.

    Args:
        pixels: float 3×H×W in 0…255; the result has the same range.
    """
    brightness, contrast, saturation = rng.uniform(1 - colour, 1 + colour, 3)
    angle = 2 * np.pi * rng.uniform(-hue, hue)
    turn = np.eye(3, dtype=np.float32)
    turn[1:, 1:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turn[1:] *= saturation
    mix = torch.from_numpy((_RGB @ turn @ _YIQ) * np.float32(brightness * contrast)).float()
    mean = pixels.mean() * float(brightness * (1 - contrast))
    return (torch.einsum("ij,jhw->ihw", mix, pixels) + mean).clamp_(0, 255)


def _window(side: int, crop: int, rng: np.random.Generator) -> tuple[int, int]:
    """First pixel taken and its place in the crop, along one side."""
    if side > crop:
        return int(rng.integers(side - crop + 1)), 0
    return 0, int(rng.integers(crop - side + 1))


def _crop(planes: Tensor, box: list[tuple[int, int]], crop: int, padding: float) -> Tensor:
    result = planes.new_full((len(planes), crop, crop), padding)
    (top, y), (left, x) = box
    taken = planes[:, top : top + crop, left : left + crop]
    result[:, y : y + taken.shape[1], x : x + taken.shape[2]] = taken
    return result
