"""Image + tags → `Proposal`: the whole method behind one call, without Qt, a project or a disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data.classes import ClassList
from trainer.models.affinitynet import AffinityNet
from trainer.models.classifier import CamClassifier
from trainer.settings import Settings


@dataclass(frozen=True)
class Models:
    """The networks a proposal comes from. `affinity` is None until an AffinityNet has been trained."""

    classes: ClassList
    classifier: CamClassifier
    affinity: AffinityNet | None = None
    version: int = 0
    name: str = ""


class Proposal:
    """What the method makes of one image, and all it takes to follow a person's strokes without the networks.

    Attributes:
        classes: ids of the K tagged classes, in the order of `cams`.
        cams: float32 K×H×W in [0, 1].
        seeds: uint8 H×W automatic seed cues; 0 background, class id, or 255 neutral.
        mask: uint8 H×W; 0 background or class id.
        scores: float32 (K+1)×h×w propagated scores on the feature grid, background first.
        margin: usefulness of a person's look, mean of 1 − (p₁ − p₂) in [0, 1]; higher is more useful.
        fast: made by the single-scale pass.
        note: what the user should know about how it was made, or "".
    """

    classes: tuple[int, ...]
    cams: np.ndarray
    seeds: np.ndarray
    mask: np.ndarray
    scores: np.ndarray
    margin: float
    fast: bool
    note: str

    def refine(self, corrections: np.ndarray) -> np.ndarray:
        """Return the uint8 H×W mask with `corrections` (uint8 H×W, 255 untouched) as hard constraints.

        Painted classes need not be tagged. Safe to call from several threads; each call starts from the
        solution of the last one, so that following a stroke is cheap.
        """
        raise NotImplementedError

    def reseed(self, alpha_low: float, alpha_high: float, threshold: float) -> np.ndarray:
        """Return uint8 H×W seed cues for other parameters; quick (no CRF), for sliders that are dragged."""
        raise NotImplementedError


class Engine:
    """Turns images and tags into proposals.

    Pure but for its caches: the same models, settings and image give the same proposal. One engine serves
    one thread; the proposals it returns may be used on any.
    """

    def __init__(self, models: Models, settings: Settings | None = None, device: str = "cpu") -> None:
        self.models = models
        self.settings = settings or Settings()
        self.device = device

    def propose(self, image: np.ndarray, tags: Iterable[str | int], fast: bool = False) -> Proposal:
        """Propose a mask for a uint8 H×W×3 RGB `image` that shows the classes `tags` (names or ids).

        `fast` takes one scale and no CRF: the desk's first answer. No tags: all background.
        Raises DataError for a tag that is not in the class list.
        """
        raise NotImplementedError

    def suggest_tags(self, image: np.ndarray) -> list[tuple[str, float]]:
        """Return (class name, probability) of every class, most probable first."""
        raise NotImplementedError

    def replace_models(self, **changes: Any) -> None:
        """Swap the models named in `changes` (fields of `Models`); caches stay valid."""
        raise NotImplementedError
