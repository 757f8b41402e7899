"""Spreading class scores along affinities: the random walk (paper, section 4.3), the mean-affinity rule.

The walk's matrix ``T = D⁻¹ W`` is never built densely. ``W`` has one diagonal per pair offset, so it is
kept as diagonals (at most 69 for radius 5), whose product with a score map streams through memory
without an index. ``T`` is similar to the symmetric ``S = D^-½ W D^-½`` with spectrum in [−1, 1], hence
``Tᵗ`` is a Chebyshev series in ``S`` that needs about ``√(2 t ln 1/ε)`` products instead of ``t``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from scipy.special import gammaln

from trainer.data.classes import VOID
from trainer.method.pairs import RADIUS, pair_matrix

TOLERANCE = 1e-4
CHUNK = 2048


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of a photo before anything is propagated, on the feature grid of h×w cells.

    Attributes:
        classes: ids of the channels, background (0) first.
        scores: float32 (K+1)×h×w in [0, 1]: background score and CAMs.
        seeds: uint8 h×w seed cues, 255 neutral.
    """

    classes: tuple[int, ...]
    scores: np.ndarray
    seeds: np.ndarray


class Walk:
    """The symmetric operator of one image's affinities, built once and used for any number of score maps.

    Holds ``69 · h · w`` float32 numbers at radius 5 (36 MB for a 4K image at stride 8). Safe to share by
    threads: nothing changes after construction.
    """

    def __init__(self, affinity: np.ndarray | torch.Tensor, beta: float, radius: int = RADIUS) -> None:
        """Build ``W = a^β`` with 1 on the diagonal, both ways, and normalise it.

        Args:
            affinity: pair planes ``(P, h, w)`` in [0, 1], numpy or torch on any device.
            beta: exponent β > 0; larger values keep the walk inside more certain regions.
            radius: radius of the pair disc the planes were made with.
        """
        planes = as_float32(affinity)
        self.shape: tuple[int, int] = planes.shape[1:]
        self.operator = pair_matrix(planes ** np.float32(beta), radius, diagonal=1)
        """``S = D^-½ W D^-½`` as diagonals, float32."""
        self.degree: np.ndarray = self.operator.data.sum(axis=0)
        """Row sums of ``W``, float32 ``(h·w,)``; its columns', for it is symmetric."""
        root = 1 / np.sqrt(self.degree)
        self.operator.data *= root
        for diagonal, shift in zip(self.operator.data, self.operator.offsets, strict=True):
            if shift >= 0:
                diagonal[shift:] *= root[: len(root) - shift]
            else:
                diagonal[:shift] *= root[-shift:]

    def propagate(
        self, scores: np.ndarray | torch.Tensor, steps: int, tolerance: float = TOLERANCE
    ) -> np.ndarray:
        """Return ``Tᵗ`` applied to each score map.

        Args:
            scores: float ``(K, h, w)``; each channel is walked on its own, the result is linear in it.
            steps: t ≥ 0, length of the walk.
            tolerance: bound on the error of the polynomial on the spectrum, relative to the scores' size.

        Returns:
            float32 ``(K, h, w)``. Channels that sum to one still do.
        """
        maps = as_float32(scores)
        if maps.shape[1:] != self.shape:
            raise ValueError(f"scores of {maps.shape[1:]} do not fit the walk's grid {self.shape}")
        coefficients = power_series(steps, tolerance)
        root = np.sqrt(self.degree)
        result = np.empty_like(maps)
        for channel, walked in zip(maps, result, strict=True):
            series = self._series(channel.ravel() * root, coefficients)
            np.divide(series.reshape(self.shape), root.reshape(self.shape), out=walked)
        return result

    def _series(self, vector: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Sum ``c_k T_k(S) v`` by the three-term recurrence."""
        total = coefficients[0] * vector
        if len(coefficients) == 1:
            return total
        before, now = vector, self.operator @ vector
        for coefficient in coefficients[1:-1]:
            if coefficient:
                total += coefficient * now
            before, now = now, 2 * (self.operator @ now) - before
        return total + coefficients[-1] * now


@lru_cache(maxsize=64)
def power_series(steps: int, tolerance: float = TOLERANCE) -> np.ndarray:
    """Return the shortest Chebyshev series (float32) of ``xᵗ`` with error ≤ tolerance on [−1, 1].

    The coefficient of ``T_k`` is ``2^(1−t) C(t, (t−k)/2)`` (half of it for k = 0) where k and t are of
    one parity, else 0: the distribution of a fair coin's walk, so the tail falls like a Gaussian of
    width √t (Hoeffding). The cut series is rescaled to be 1 at x = 1, which keeps a constant map, the
    walk's fixed point, constant.
    """
    if steps < 0:
        raise ValueError(f"a walk cannot have {steps} steps")
    surely_enough = int(np.sqrt(2 * steps * np.log(4 / tolerance))) + 2
    orders = np.arange(steps % 2, min(steps, surely_enough) + 1, 2)
    coefficients = np.where(orders == 0, 1, 2) * np.exp(
        gammaln(steps + 1)
        - gammaln((steps - orders) / 2 + 1)
        - gammaln((steps + orders) / 2 + 1)
        - steps * np.log(2)
    )
    # T_k(cos θ) = cos kθ. Eight points a wave miss at most 2 % of a maximum.
    angles = np.linspace(0, np.pi, 8 * int(orders[-1]) + 64)
    partial = np.cumsum(coefficients[:, None] * np.cos(np.outer(orders, angles)), axis=0)
    mass = np.cumsum(coefficients)
    errors = np.abs(partial / mass[:, None] - np.cos(angles) ** steps).max(axis=1)
    enough = int(np.argmax(errors <= 0.98 * tolerance))
    series = np.zeros(orders[enough] + 1, dtype=np.float32)
    series[orders[: enough + 1]] = coefficients[: enough + 1] / mass[enough]
    series.flags.writeable = False
    return series


def mean_affinity(features: torch.Tensor, labels: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """Score every neutral pixel by its mean affinity ``exp(−mean_k |f_i − f_j|)`` to each class's
    confident pixels.

    Unlike the walk it compares with all confident pixels, near or far. The class with the highest score wins.
    The cost is ``neutral · confident · C``.

    Args:
        features: float ``(C, h, w)`` of AffinityNet.
        labels: integer ``(h, w)`` seed cues on the same grid, 255 neutral.
        classes: class ids in the order of the channels wanted, background included.

    Returns:
        float32 ``(len(classes), h, w)`` in [0, 1]: the means where neutral, 1 for its own class where
        confident; 0 for a class that has no confident pixel.
    """
    if labels.shape != features.shape[1:]:
        raise ValueError(
            f"labels of {labels.shape} do not fit the features' grid {tuple(features.shape[1:])}"
        )
    vectors = features.detach().flatten(1).float()
    flat = torch.tensor(labels.astype(np.int64).ravel(), device=vectors.device)
    neutral = torch.nonzero(flat == VOID)[:, 0]
    scores = torch.zeros(len(classes), len(flat), device=vectors.device)
    for channel, class_id in zip(scores, classes, strict=True):
        confident = torch.nonzero(flat == class_id)[:, 0]
        channel[confident] = 1
        if len(confident) > 0:
            for chunk in neutral.split(CHUNK):
                channel[chunk] = _mean_affinity_to(vectors[:, confident], vectors[:, chunk])
    return scores.reshape(len(classes), *labels.shape).cpu().numpy()


def _mean_affinity_to(examples: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """Average the affinity of each query (a column) to all examples; one example at a time stays in the
    cache."""
    total = torch.zeros_like(queries[0])
    difference = torch.empty_like(queries)
    for example in examples.T.contiguous():
        torch.sub(queries, example[:, None], out=difference).abs_()
        total += difference.sum(dim=0).div_(-len(example)).exp_()
    return total.div_(examples.shape[1])


def as_float32(array: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return an array or a tensor of any device as a float32 array."""
    if isinstance(array, torch.Tensor):
        array = array.detach().cpu().numpy()
    return np.asarray(array, dtype=np.float32)
