"""The ways in which scores may spread from the seed cues and CAMs: one table, and one entry for each.

Settings, command line, desk, pipeline and report all go by it. It loads without torch, for the desk shows it
before torch is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainer.translatable import TranslatableText, translatable

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from trainer.method.propagation import Evidence
    from trainer.method.settings import Settings

    Spread = Callable[[Tensor, Tensor, Evidence, Settings], np.ndarray]

WALK = "walk"
"""The random walk, which alone goes by the background exponent α."""
SEGMENTATION = "segmentation"
"""Stands in the place of a propagation's name where the segmentation network has predicted the scores."""


@dataclass(frozen=True)
class Propagation:
    """One mode of propagation.

    Attributes:
        name: what settings and command line call it.
        stage: what a run calls its stage, a folder's name.
        label: its name for people.
        explanation: what it does, in one sentence.
        reason: from the name of the class of a pixel without a seed, why it is of that class.
        spread: features C×h×w, their pair planes P×h×w, evidence and settings → float32 (K+1)×h×w ≥ 0.
    """

    name: str
    stage: str
    label: TranslatableText
    explanation: TranslatableText
    reason: Callable[[str], TranslatableText]
    spread: Spread


def _walk(features: Tensor, affinity: Tensor, evidence: Evidence, settings: Settings) -> np.ndarray:
    from trainer.method.propagation import Walk

    return Walk(affinity, settings.beta).propagate(evidence.scores, settings.steps)


def _mean(features: Tensor, affinity: Tensor, evidence: Evidence, settings: Settings) -> np.ndarray:
    from trainer.method.propagation import mean_affinity

    return mean_affinity(features, evidence.seeds, evidence.classes)


PROPAGATIONS: dict[str, Propagation] = {
    propagation.name: propagation
    for propagation in (
        Propagation(
            WALK,
            "walk",
            translatable("Random walk"),
            translatable("CAM scores spread to similar pixels and stop at edges."),
            lambda name: translatable(
                "There is no seed here; {name} spread from similar pixels nearby.", name=name
            ),
            _walk,
        ),
        Propagation(
            "mean",
            "mean-affinity",
            translatable("Mean affinity"),
            translatable("Each undecided pixel takes the class whose seed pixels it resembles most."),
            lambda name: translatable(
                "There is no seed here; of all seed pixels it resembles those of {name} most.", name=name
            ),
            _mean,
        ),
    )
}
"""By name, in the order in which they are offered."""
