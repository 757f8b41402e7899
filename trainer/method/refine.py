"""Strokes steer a mask: a Dirichlet problem on the image's own grid, solved again after each stroke.

The scores ``x`` of a class minimise

    Σ_ij w_ij (x_i − x_j)²  +  Σ_i c_i (x_i − p_i)²      with x fixed where a person painted,

that is a random walk which stops at a painted cell, or, with a chance proportional to ``c_i``, where it
stands, and reads off the class there (p is the prior, the walked CAMs). The cells are finer than the
feature grid, their edges ``w`` fall with the colour difference and, where given, with the semantic
affinity. Trust in the prior, ``c``, is the square of its margin; a stroke that contradicts the prior
takes it away in the region the stroke can reach.

The result depends on the strokes alone, never on the order of calls, so undo restores it bit for bit:
the solver starts from the solution without strokes, which is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional

from trainer.data.classes import UNTOUCHED
from trainer.method.pairs import RADIUS, offsets, pair_grid, pair_matrix
from trainer.method.propagation import as_float32
from trainer.method.upsample import edge_aware_labels

NEIGHBOURS = 2
"""Pair radius of the fine grid: the eight nearest cells."""
FLOOR = np.float32(1e-4)
"""Smallest edge and smallest trust: no cell is cut off, the system stays solvable."""
ITERATIONS = 200
"""Bound on the solver's iterations."""


@dataclass(frozen=True)
class RefineParams:
    """Settings of the refinement; the defaults were chosen on photos with simulated strokes."""

    cell: int = 4
    """Side of a cell in pixels, at least."""
    max_cells: int = 32_000
    """Cells grow on images that would have more of them, which bounds time and memory."""
    sigma: float = 12.0
    """Colour difference (Euclidean, RGB in 0…255) at which an edge has fallen to 61 %."""
    beta: float = 4.0
    """Exponent of the semantic affinity."""
    trust: float = 0.1
    """c of a cell whose prior is certain; an edge inside a flat region weighs 1."""
    reach: float = 3e-4
    """Chance per edge that doubt cast by a stroke stops spreading: smaller reaches farther."""
    tolerance: float = 1e-3
    """Largest residual of the linear solver, relative to a score of 1."""


class Refiner:
    """What is computed once per image so that each stroke is answered at once. Safe to share by threads."""

    def __init__(
        self,
        scores: np.ndarray,
        image: np.ndarray,
        classes: tuple[int, ...],
        affinity: np.ndarray | torch.Tensor | None = None,
        params: RefineParams | None = None,
    ) -> None:
        """Prepare the fine grid.

        Args:
            scores: float ``(K, h, w)``, at least 0: the prior, on any grid that covers the image.
            image: uint8 ``(H, W, 3)``.
            classes: class id of each channel of ``scores``, background (0) first.
            affinity: pair planes ``(P, h', w')`` of radius 5 on any grid that covers the image.
            params: settings; ``None`` for the defaults.
        """
        if len(scores) != len(classes):
            raise ValueError(f"{len(scores)} score channels for {len(classes)} classes")
        self.classes = classes
        self.image = image
        self.params = params or RefineParams()
        height, width = image.shape[:2]
        cell = max(self.params.cell, np.sqrt(height * width / self.params.max_cells))
        self.shape = max(1, round(height / cell)), max(1, round(width / cell))
        prior = _resize(np.maximum(scores, 1e-6), self.shape).reshape(len(classes), -1)
        self._prior = prior / prior.sum(axis=0)
        ranked = np.sort(self._prior, axis=0)
        margin = ranked[-1] - (ranked[-2] if len(classes) > 1 else 0)
        self._trust = self.params.trust * margin**2 + FLOOR
        self._edges = pair_matrix(self._edge_planes(affinity), NEIGHBOURS)
        self._degree = self._edges.data.sum(axis=0)

    @cached_property
    def scores(self) -> np.ndarray:
        """The scores without strokes, float32 ``(K, h, w)`` on the fine grid, summing to one."""
        nothing = np.zeros(0, dtype=np.int64)
        flat = self._scores(self._prior, self._prior, self._trust, nothing, nothing)
        return flat.reshape(-1, *self.shape)

    def solve(self, corrections: np.ndarray) -> np.ndarray:
        """Return the mask that agrees with the strokes.

        Args:
            corrections: uint8 ``(H, W)``, 255 untouched, else the painted class; classes not among
                :attr:`classes` are new ones.

        Returns:
            uint8 ``(H, W)`` class ids. Painted pixels have exactly the class they were painted with.
        """
        if corrections.shape != self.image.shape[:2]:
            raise ValueError(f"corrections of {corrections.shape} do not fit {self.image.shape[:2]}")
        painted = np.flatnonzero(corrections != UNTOUCHED)
        if len(painted) == 0:
            return self._mask.copy()
        colours = corrections.ravel()[painted]
        new = set(np.unique(colours).tolist()) - set(self.classes)
        classes = np.array([*self.classes, *sorted(new)], dtype=np.uint8)
        cells, channels = self._strokes(painted, colours, classes)
        empty = np.zeros((len(new), self._prior.shape[1]), dtype=np.float32)
        prior = np.concatenate([self._prior, empty])
        start = np.concatenate([self.scores.reshape(len(self.classes), -1), empty])
        trust = self._trust * (1 - self._doubt(cells, channels)) ** 2 + FLOOR
        scores = self._scores(prior, start, trust, cells, channels)
        mask = classes[edge_aware_labels(scores.reshape(-1, *self.shape), self.image)]
        mask.ravel()[painted] = colours
        return mask

    @cached_property
    def _mask(self) -> np.ndarray:
        return np.array(self.classes, dtype=np.uint8)[edge_aware_labels(self.scores, self.image)]

    def _edge_planes(self, affinity: np.ndarray | torch.Tensor | None) -> np.ndarray:
        """Return ``w`` of the eight neighbours as pair planes."""
        pairs = pair_grid(*self.shape, NEIGHBOURS)
        colours = _resize(np.moveaxis(self.image, 2, 0), self.shape)
        planes = np.zeros((len(pairs.offsets), *self.shape), dtype=np.float32)
        for plane, (source, target) in zip(planes, pairs.overlaps, strict=True):
            difference = colours[:, *source] - colours[:, *target]
            plane[source] = np.exp(-(difference**2).sum(axis=0) / (2 * self.params.sigma**2)) + FLOOR
        if affinity is None:
            return planes
        semantic = as_float32(affinity)
        near = (offsets(RADIUS) ** 2).sum(axis=1) < NEIGHBOURS**2
        inside = pair_grid(*semantic.shape[1:], RADIUS).inside[near]
        # Distances are interpolated, not affinities: a border stays one between the feature cells, too.
        distance = -np.log(np.maximum(np.where(inside, semantic[near], 1), FLOOR))
        return planes * np.exp(-self.params.beta * _resize(distance, self.shape)) + FLOOR

    def _strokes(
        self, painted: np.ndarray, colours: np.ndarray, classes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the painted cells and for each the channel most of its painted pixels have."""
        (height, width), (rows, columns) = self.image.shape[:2], self.shape
        y, x = np.divmod(painted, width)
        cell = (y * rows // height) * columns + x * columns // width
        channel_of = np.zeros(256, dtype=np.int64)
        channel_of[classes] = np.arange(len(classes))
        cells, place = np.unique(cell, return_inverse=True)
        votes = np.bincount(place * len(classes) + channel_of[colours], minlength=len(cells) * len(classes))
        return cells, votes.reshape(len(cells), -1).argmax(axis=1)

    def _doubt(self, cells: np.ndarray, channels: np.ndarray) -> np.ndarray:
        """Return how far strokes that contradict the prior discredit it: 1 at the stroke, falling to 0."""
        wrong = self._prior[:, cells].argmax(axis=0) != channels
        doubt = np.zeros_like(self._degree)
        if wrong.any():
            doubt[cells] = wrong
            leak = self.params.reach * self._degree
            doubt = self._relax(np.zeros_like(doubt), doubt, self._degree + leak, cells)
        return doubt

    def _scores(
        self, prior: np.ndarray, start: np.ndarray, trust: np.ndarray, cells: np.ndarray, channels: np.ndarray
    ) -> np.ndarray:
        """Minimise the energy for all channels; the first is what the others leave of one."""
        scores = start.copy()
        diagonal = self._degree + trust
        for channel in range(1, len(scores)):
            scores[channel, cells] = channels == channel
            scores[channel] = self._relax(trust * prior[channel], scores[channel], diagonal, cells)
        scores[0] = 1 - scores[1:].sum(axis=0)
        return scores

    def _relax(
        self, right: np.ndarray, start: np.ndarray, diagonal: np.ndarray, fixed: np.ndarray
    ) -> np.ndarray:
        """Solve ``(diagonal − edges) x = right`` with ``x`` kept at its start in the fixed cells.

        Conjugate gradients, preconditioned by the diagonal.
        """
        solution = start.copy()
        inverse = 1 / diagonal
        free = np.ones_like(inverse)
        free[fixed] = 0
        residual = free * (right - diagonal * solution + self._edges @ solution)
        step = inverse * residual
        energy = residual @ step
        for _ in range(ITERATIONS):
            if np.abs(residual * inverse).max() <= self.params.tolerance:
                break
            image = free * (diagonal * step - self._edges @ step)
            length = energy / (step @ image)
            solution += length * step
            residual -= length * image
            scaled = inverse * residual
            previous, energy = energy, residual @ scaled
            step = scaled + (energy / previous) * step
        return solution


def _resize(planes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Average down or interpolate up to a grid, float32."""
    tensor = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))[None]
    if planes.shape[1] > shape[0]:
        return functional.interpolate(tensor, shape, mode="area")[0].numpy()
    return functional.interpolate(tensor, shape, mode="bilinear", align_corners=False)[0].numpy()
