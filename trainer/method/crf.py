"""Dense conditional random field over the pixels of an image, by mean field.

Kraehenbuehl & Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials", NIPS 2011,
with the symmetrically normalised kernels and the Potts model of the authors' later code. It sharpens soft
class scores along the edges of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from trainer.method.interrupt import checkpoint
from trainer.method.lattice import FloatArray, PermutohedralKernel

# A score of zero would forbid a class for ever.
SMALLEST_PROBABILITY = 1e-5
# Images up to this size are worked on pixel by pixel. On a grid of a quarter as many cells as pixels, about
# 99 % of a photo's labels stay the same.
MAX_PIXELS = 1 << 20
# Pixels of a larger image that are worked on at once: few enough to stay in cache.
STRIP_PIXELS = 1 << 17


@dataclass(frozen=True)
class CrfParams:
    """Kernels and length of the inference; the defaults are those of Ahn & Kwak, CVPR 2018.

    ``*_sxy`` are standard deviations in pixels of the image, ``bilateral_srgb`` in grey levels of 0…255.
    """

    gaussian_sxy: float = 3
    gaussian_weight: float = 3
    bilateral_sxy: float = 80
    bilateral_srgb: float = 13
    bilateral_weight: float = 10
    iterations: int = 10


class DenseCRF:
    """The dense CRF of one image: made once, then shared by all classes, strokes and threads.

    An image of more than ``max_pixels`` is iterated on a grid of about that many cells, and only the last
    update is made for every pixel: there the bilateral kernel is evaluated at the pixel's own place and
    colour, so that outlines stay as sharp as the photo's. Memory then hardly grows beyond that of the scores.
    """

    def __init__(
        self,
        image: npt.NDArray[np.uint8],
        params: CrfParams = CrfParams(),
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """Build both kernels over ``image``, H×W×3 uint8 RGB.

        Raises ValueError for another shape, and for deviations so small that the lattice cannot be counted.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"an image has the shape H×W×3, not {image.shape}")
        self._image = image
        self._size = height, width = image.shape[:2]
        self.params = params
        shrink = min(1, (max_pixels / (height * width)) ** 0.5)
        self._grid = max(1, round(height * shrink)), max(1, round(width * shrink))
        self._coarse = self._grid != self._size

        colour = self._on_grid(image.transpose(2, 0, 1).astype(np.float32)).reshape(3, -1)
        rows, columns = (_centres(cells, side) for cells, side in zip(self._grid, self._size, strict=True))
        points = _points(rows, columns, colour)
        extent = np.array([width, height, 255, 255, 255], np.float32)
        self._gaussian = PermutohedralKernel(
            points[:2] / np.float32(params.gaussian_sxy),
            extent[:2] / params.gaussian_sxy,
            params.gaussian_weight,
        )
        checkpoint()
        self._deviations = np.array([params.bilateral_sxy] * 2 + [params.bilateral_srgb] * 3, np.float32)
        self._bilateral = PermutohedralKernel(
            points / self._deviations[:, None], extent / self._deviations, params.bilateral_weight
        )
        checkpoint()
        ones = np.ones((1, points.shape[1]), np.float32)
        self._whole = (self._gaussian.filter(ones) + self._bilateral.filter(ones))[0]

    def infer(self, probabilities: FloatArray, iterations: int | None = None) -> FloatArray:
        """Return the posterior (K, H, W) float32 of class scores ``probabilities`` (K, H, W) in [0, 1].

        The unary potential is ``-log p``; scores need not sum to one. ``iterations`` replaces that of the
        parameters; with 0 the scores are only normalised. Raises ValueError when the scores are not of the
        image's size.
        """
        if probabilities.ndim != 3 or probabilities.shape[1:] != self._size or not len(probabilities):
            raise ValueError(
                f"scores of shape {probabilities.shape} do not fit an image of size {self._size}"
            )
        log_scores = np.log(np.maximum(probabilities, SMALLEST_PROBABILITY, dtype=np.float32))
        steps = self.params.iterations if iterations is None else iterations
        if steps == 0:
            return _softmax(log_scores)
        unary = self._on_grid(log_scores).reshape(len(log_scores), -1)
        posterior = _softmax(unary.copy())
        for _ in range(steps - self._coarse):
            checkpoint()
            message = np.empty_like(unary)
            message[1:] = self._gaussian.filter(posterior[1:]) + self._bilateral.filter(posterior[1:])
            # All classes together are one everywhere, so the first one's message is what the others leave.
            message[0] = self._whole - message[1:].sum(axis=0)
            message += unary
            posterior = _softmax(message)
        if self._coarse:
            return self._last_step(log_scores, posterior)
        return posterior.reshape(log_scores.shape)

    def _last_step(self, logits: FloatArray, posterior: FloatArray) -> FloatArray:
        """Turn log p (K, H, W), in place, into the posterior that follows the grid's, (K, cells)."""
        # The spatial kernel spans a few cells at most: between them its message is smooth.
        message = torch.from_numpy(self._gaussian.filter(posterior)).reshape(1, -1, *self._grid)
        logits += functional.interpolate(message, self._size, mode="bilinear")[0].numpy()
        held = self._bilateral.gather(posterior)
        height, width = self._size
        rows, columns = _centres(height, height), _centres(width, width)
        count = max(1, STRIP_PIXELS // width)
        for top in range(0, height, count):
            strip = logits[:, top : top + count]
            points = _points(
                rows[top : top + count], columns, self._image[top : top + count].reshape(-1, 3).T
            )
            strip += self._bilateral.slice_at(held, points / self._deviations[:, None]).reshape(strip.shape)
            _softmax(strip)
        return logits

    def _on_grid(self, values: FloatArray) -> FloatArray:
        """Average ``values`` (C, H, W) over the cells of the grid."""
        if not self._coarse:
            return values
        return functional.adaptive_avg_pool2d(torch.from_numpy(values), self._grid).numpy()


def _softmax(logits: FloatArray) -> FloatArray:
    """Normalise over the first axis, in place."""
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits


def _centres(cells: int, side: int) -> FloatArray:
    """Return where the centres of ``cells`` along a side of ``side`` pixels lie, in pixels."""
    return ((np.arange(cells) + 0.5) * (side / cells) - 0.5).astype(np.float32)


def _points(rows: FloatArray, columns: FloatArray, colour: npt.NDArray[np.generic]) -> FloatArray:
    """Return x, y and ``colour`` (3, n) of the n points where rows and columns meet: (5, n) float32."""
    points = np.empty((5, len(rows) * len(columns)), np.float32)
    points[0] = np.tile(columns, len(rows))
    points[1] = np.repeat(rows, len(columns))
    points[2:] = colour
    return points
