"""The result of the method for one image, with everything needed to follow strokes without the networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainer.data.classes import BACKGROUND, UNTOUCHED, VOID
from trainer.data.regions import remove_small_regions
from trainer.method.affinity import pair_affinity
from trainer.method.grid import majority, resize_nearest
from trainer.method.object_in_box import strokes_for_box
from trainer.method.propagation import Evidence
from trainer.method.seeds import seed_cues
from trainer.method.settings import Settings
from trainer.method.steps import gather_evidence, make_mask, propagate, propagate_strokes
from trainer.method.strokes import Box, PhotoEmbedding, StrokeModel
from trainer.translatable import TranslatableText


class Suggestion(NamedTuple):
    """A class that an image without tags may show.

    `score` in [0, 1] is the classifier's probability or, where `segmented`, the part of the image that the
    segmentation network gives to the class.
    """

    name: str
    score: float
    segmented: bool


@dataclass(eq=False)
class Spreading:
    """What a mask spreads from and along: seed cues, evidence, affinities. Each is found when it is needed.

    Safe to use from several threads.

    Attributes:
        cams: float32 K×H'×W' in [0, 1], at the size the networks saw.
        classes: ids of the K tagged classes.
        settings: parameters of seed cues and propagation.
        find_seeds: makes the seed cues of the CAMs, uint8 H'×W'.
        find_features: makes the features C×h×w whose distances are affinities.
    """

    cams: np.ndarray
    classes: tuple[int, ...]
    settings: Settings
    find_seeds: Callable[[], np.ndarray]
    find_features: Callable[[], Tensor]
    _along: tuple[Tensor, Tensor] | None = field(default=None, init=False, repr=False)
    """Features C×h×w and pair planes P×h×w, in half precision."""
    _uncorrected: np.ndarray | None = field(default=None, init=False, repr=False)
    """Uint8 H×W, what spreads without corrections."""

    @cached_property
    def seeds(self) -> np.ndarray:
        """Uint8 H'×W': 0 background, class ids, 255 neutral."""
        return self.find_seeds()

    @cached_property
    def evidence(self) -> Evidence:
        """The scores and seed cues that are spread, on the feature grid."""
        return gather_evidence(self.cams, self.seeds, self.classes, self.settings)

    def scores(self) -> np.ndarray:
        """Return the evidence, spread: float32 (K+1)×h×w."""
        features = self.find_features()
        return propagate(features, pair_affinity(features[None])[0], self.evidence, self.settings)

    def follow(self, image: np.ndarray, mask: np.ndarray, corrections: np.ndarray) -> np.ndarray:
        """Return a mask of `image` with what corrected seeds change along the affinities.

        Args:
            image: uint8 H×W×3.
            mask: uint8 H×W, what is there without corrections; it may come from a segmentation network.
            corrections: uint8 H×W, 255 untouched.
        """
        changed, uncorrected = self._spread(image, corrections), self._uncorrected
        if uncorrected is None:
            uncorrected = self._spread(image, np.full_like(corrections, UNTOUCHED))
            self._uncorrected = uncorrected
        followed = np.where(changed != uncorrected, changed, mask)
        return np.where(corrections != UNTOUCHED, corrections, followed)

    def forget(self) -> None:
        """Free what is found again at the next need: megabytes for a photo."""
        self._along = self._uncorrected = None

    def _spread(self, image: np.ndarray, corrections: np.ndarray) -> np.ndarray:
        along = self._along
        if along is None:
            features = self.find_features()
            along = self._along = features.half(), pair_affinity(features[None])[0].half()
        features, affinity = (part.float() for part in along)
        painted = majority(corrections, self.evidence.seeds.shape)
        classes, scores = propagate_strokes(features, affinity, self.evidence, painted, self.settings)
        return make_mask(scores, image, classes, self.settings, crf=False)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A proposed mask with everything that led to it. Safe to use from several threads.

    Attributes:
        classes: ids of the K tagged classes, in the order of `cams`.
        mask: uint8 H×W; 0 background or class id: `propagated`, refined by the stroke network.
        propagated: uint8 H×W, the mask of propagation or segmentation network alone.
        scores: float32 (K+1)×h×w on the feature grid, background first: propagated, or predicted.
        source: what the scores come from: the name of a propagation, or `SEGMENTATION`.
        margin: usefulness of a correction, in [0, 1], higher being more useful: how far the mask and what the
            stroke network makes of the CAMs alone differ (`disagreement`).
        fast: made by the single-scale pass.
        smallest_part: share of the image that a part of the mask has at least, unless it was painted.
        note: what the user should know about how it was made, or "".
    """

    classes: tuple[int, ...]
    mask: np.ndarray
    propagated: np.ndarray
    scores: np.ndarray
    source: str
    margin: float
    fast: bool
    smallest_part: float
    note: TranslatableText
    stroke_model: StrokeModel = field(repr=False)
    embedding: PhotoEmbedding = field(repr=False)
    spreading: Spreading = field(repr=False)

    @cached_property
    def cams(self) -> np.ndarray:
        """Float32 K×H×W in [0, 1]; made at the first look, because it is large for a large image."""
        cams = self.spreading.cams
        if cams.shape[1:] == self.mask.shape:
            return cams
        if not self.classes:
            return np.zeros((0, *self.mask.shape), np.float32)
        return functional.interpolate(torch.from_numpy(cams)[None], self.mask.shape, mode="bilinear")[
            0
        ].numpy()

    @cached_property
    def seeds(self) -> np.ndarray:
        """Uint8 H×W automatic seed cues: 0 background, class id, or 255 neutral; made at the first look.

        Those of a full proposal may take as long as the rest of it: the dense CRF refines them.
        """
        return resize_nearest(self.spreading.seeds, self.mask.shape)

    def refine(self, corrections: np.ndarray) -> np.ndarray:
        """Return the uint8 H×W mask with `corrections` (uint8 H×W, 255 untouched) as hard constraints.

        The stroke network makes it of the propagated mask and all strokes together. Painted classes need not
        be tagged or learnt. Parts that are too small and hold no stroke join what surrounds them. The result
        depends on the corrections alone, not on what was asked before.
        """
        *_, mask = self.answers(corrections, sketch=False)
        return mask

    def answers(self, corrections: np.ndarray, sketch: bool = True) -> Iterator[np.ndarray]:
        """Yield the mask of `refine`; with `sketch`, where that takes longer, a rougher one before it."""
        if (corrections == UNTOUCHED).all():
            yield self.mask.copy()
            return
        meant = corrections != UNTOUCHED
        for mask in self.stroke_model.answers(self.embedding, self.propagated, corrections, sketch):
            yield remove_small_regions(mask, self.smallest_part, meant=meant)

    def glimpse(self, corrections: np.ndarray, class_id: int) -> np.ndarray:
        """Return roughly where `refine` finds one class, bool H×W, in the least time: for a preview."""
        return self.stroke_model.glimpse(self.embedding, self.propagated, corrections, class_id)

    def propagate(self, image: np.ndarray, corrections: np.ndarray) -> np.ndarray:
        """Return `propagated` as it follows the seeds that a person corrected: uint8 H×W.

        `image` is the photo, uint8 H×W×3, `corrections` are as in `refine`. Only what strokes change along
        the affinities differs from before: the rest may come from a segmentation network.
        """
        if (corrections == UNTOUCHED).all():
            return self.propagated
        return self.spreading.follow(image, self.propagated, corrections)

    def set_aside(self) -> None:
        """Free what only the photo in work needs; it is computed again where it is missing."""
        self.embedding.forget_parts()
        self.spreading.forget()

    def strokes_for_box(
        self, box: tuple[int, int, int, int], class_id: int, corrections: np.ndarray
    ) -> np.ndarray:
        """Return strokes (uint8 H×W, 255 none) that make the object in a box one of a class.

        `box` is half open (y0, x0, y1, x1), `corrections` are the strokes so far.
        Takes as long as a few answers to strokes.
        """
        return strokes_for_box(
            self.stroke_model, self.embedding, self.propagated, corrections, Box(*box), class_id
        )

    def reseed(self, alpha_low: float, alpha_high: float, threshold: float) -> np.ndarray:
        """Return uint8 H×W seed cues for other parameters; quick (no CRF), for sliders that are dragged."""
        seeds = seed_cues(self.spreading.cams, self.classes, alpha_low, alpha_high, threshold)
        return resize_nearest(seeds, self.mask.shape)


def disagreement(mask: np.ndarray, other: np.ndarray, classes: Sequence[int]) -> float:
    """Return 1 − the mean IoU of two masks uint8 H×W over background and the class ids `classes`.

    A class that neither mask shows counts 0: both are wrong, for the photo shows it.
    """
    pairs = np.bincount((VOID + 1) * mask.ravel().astype(np.int64) + other.ravel(), minlength=(VOID + 1) ** 2)
    table = pairs.reshape(VOID + 1, VOID + 1)
    common = np.diag(table)
    either = table.sum(axis=0) + table.sum(axis=1) - common
    labels = [BACKGROUND, *classes]
    return float(1 - (common[labels] / np.maximum(either[labels], 1)).mean())
