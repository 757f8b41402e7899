"""Scores of a run's stages against true masks, each with the rule that decided on background."""

from __future__ import annotations

import numpy as np

from trainer.data.classes import BACKGROUND, ClassList
from trainer.distributed import ProcessGroup
from trainer.evaluation import Confusion, Scores
from trainer.method.cam import background_score
from trainer.pipeline.stage_names import CAM

CONSTANTS = tuple(round(0.05 * step, 2) for step in range(4, 17))
"""Constant background scores that are tried on the CAMs."""


class StageScores:
    """Collects label maps of several stages, image by image."""

    def __init__(self, classes: ClassList, split: str) -> None:
        self._classes, self._split = classes, split
        self._counts: dict[str, tuple[Confusion, str]] = {}

    def add(self, stage: str, labels: np.ndarray, truth: np.ndarray, rule: str) -> None:
        """Count one image, uint8 H×W labels of a stage whose background was decided by `rule`."""
        if stage not in self._counts:
            self._counts[stage] = Confusion(self._classes), rule
        self._counts[stage][0].add(labels, truth)

    def add_cams(self, cams: np.ndarray, classes: tuple[int, ...], truth: np.ndarray, alpha: float) -> None:
        """Count the CAMs of one image by every constant background, and by the rule of `alpha`."""
        ids = np.array([BACKGROUND, *classes], np.uint8)
        strongest = cams.max(axis=0) if len(cams) else np.zeros(truth.shape, np.float32)
        winner = ids[1 + cams.argmax(axis=0)] if len(cams) else np.zeros(truth.shape, np.uint8)
        for constant in CONSTANTS:
            labels = np.where(strongest > constant, winner, BACKGROUND).astype(np.uint8)
            self.add(f"{CAM}, background {constant:.2f}", labels, truth, f"constant {constant:.2f}")
        background = background_score(cams, alpha)
        labels = np.where(strongest > background, winner, BACKGROUND).astype(np.uint8)
        self.add(f"{CAM}, alpha rule", labels, truth, f"(1 − max CAM)^{alpha:g}")

    def results(self, group: ProcessGroup) -> dict[str, Scores]:
        """Return the scores of all processes together; of the constants only the best, as ``cam``."""
        counts: dict[str, tuple[Confusion, str]] = {}
        for part in group.gather(self._counts):
            for stage, (confusion, rule) in part.items():
                if stage in counts:
                    counts[stage][0].merge(confusion)
                else:
                    counts[stage] = confusion, rule
        scores = {stage: confusion.scores(self._split, rule) for stage, (confusion, rule) in counts.items()}
        constants = [scores.pop(name) for name in list(scores) if name.startswith(f"{CAM}, background")]
        best = max(constants, key=lambda score: score.miou, default=None)
        return ({CAM: best} if best else {}) | scores
