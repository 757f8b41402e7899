"""Dense conditional random field over the pixels of an image, by mean field.

Kraehenbuehl & Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials", NIPS 2011, with
the symmetrically normalised kernels and the Potts model of the authors' later code. It sharpens soft class scores
along the edges of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from trainer.method.lattice import PermutohedralKernel

FloatArray = npt.NDArray[np.float32]

# Scores of nothing would forbid a class for ever; the reference code clips at the same floor.
SMALLEST_PROBABILITY = 1e-5


@dataclass(frozen=True)
class CrfParams:
    """Kernels and length of the inference; the defaults are those of Ahn & Kwak, CVPR 2018.

    ``*_sxy`` are standard deviations in pixels, ``bilateral_srgb`` in grey levels of 0…255.
    """

    gaussian_sxy: float = 3
    gaussian_weight: float = 3
    bilateral_sxy: float = 80
    bilateral_srgb: float = 13
    bilateral_weight: float = 10
    iterations: int = 10


class DenseCRF:
    """The dense CRF of one image: made once, then shared by all classes, strokes and threads."""

    def __init__(self, image: npt.NDArray[np.uint8], params: CrfParams = CrfParams()) -> None:
        """Build both kernels over ``image``, H×W×3 uint8 RGB."""
        height, width = image.shape[:2]
        self.params = params
        self._size = (height, width)
        position = np.indices((height, width), np.float32)[::-1].reshape(2, -1)
        colour = image.reshape(-1, 3).T.astype(np.float32)
        self._kernels = (
            PermutohedralKernel(position / np.float32(params.gaussian_sxy), params.gaussian_weight),
            PermutohedralKernel(
                np.concatenate(
                    [
                        position / np.float32(params.bilateral_sxy),
                        colour / np.float32(params.bilateral_srgb),
                    ]
                ),
                params.bilateral_weight,
            ),
        )

    def infer(self, probabilities: FloatArray, iterations: int | None = None) -> FloatArray:
        """Return the posterior (K, H, W) float32 of class scores ``probabilities`` (K, H, W) in [0, 1].

        The unary potential is ``-log p``; scores need not sum to one. Raises ValueError when the size is not the
        image's.
        """
        if probabilities.ndim != 3 or probabilities.shape[1:] != self._size:
            raise ValueError(
                f"scores of shape {probabilities.shape} do not fit an image of size {self._size}"
            )
        scores = torch.from_numpy(np.ascontiguousarray(probabilities, np.float32)).flatten(1)
        with torch.inference_mode():
            unary = scores.clamp_min(SMALLEST_PROBABILITY).log()
            posterior = unary.softmax(dim=0)
            for _ in range(self.params.iterations if iterations is None else iterations):
                # Rows of classes keep the sparse products in cache; columns make the softmax quick.
                by_pixel = posterior.t().contiguous()
                logits = unary
                for kernel in self._kernels:
                    logits = logits + (kernel @ by_pixel).t()
                posterior = logits.softmax(dim=0)
        return posterior.reshape(probabilities.shape).numpy()
