"""What a run reports when it is complete."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from trainer.evaluation import Scores
from trainer.method.calibration import Bound


@dataclass(frozen=True)
class AlphaFound:
    """A background exponent, and the end of the range at which its search ended; None: within it."""

    alpha: float
    bound: Bound | None


@dataclass
class Result:
    """The result of a run.

    `stages` are those whose label maps it left in ``stages/``; `seconds` were spent on each stage, including
    earlier runs that were interrupted. `loader_wait_share` is the part in [0, 1] of each training's time,
    since it was last started, that went into waiting for photos.
    """

    images: int
    split: str
    stages: list[str]
    scores: dict[str, Scores]
    seconds: dict[str, float]
    loader_wait_share: dict[str, float]
    peak_memory: int
    warnings: list[str]
    alphas: dict[str, AlphaFound]
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, fit for `json.dumps`."""
        return asdict(self)
