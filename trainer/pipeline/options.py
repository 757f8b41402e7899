"""Options of a pipeline run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from trainer.learn.affinity import RECIPE as AFFINITY_RECIPE
from trainer.learn.classifier import RECIPE as CLASSIFIER_RECIPE
from trainer.learn.loop import Recipe
from trainer.learn.segmentation import RECIPE as SEGMENTATION_RECIPE
from trainer.method.propagations import PROPAGATIONS
from trainer.method.settings import COVERAGE, SEGMENTATION_FROM, Precision, Settings
from trainer.models.registry import BUNDLED
from trainer.pipeline.stage_names import (
    AFFINITY_NET,
    CAM,
    CLASSIFIER,
    CRF,
    CRF_OF,
    LABELS,
    MASKS,
    PHOTOS,
    REFINED,
    SCORES,
    SEED_ALPHA,
    SEEDS,
    SEGMENTATION_NET,
    SEGNET,
    WALK_ALPHA,
)


@dataclass(frozen=True)
class Options:
    """Options of a run.

    `weights` is a backbone file or name, `classifier` a file of trained models. Without `training` all
    networks are those of that file (None: of the bundled one), with the exponents α that belong to them. No
    network is trained for fewer than `least_steps` batches, however few the images are. With `calibrate` the
    settings' α give way to those whose foreground covers `coverage` of a photo, on average. With
    `segmentation` a network that learns from the masks makes the final ones; None leaves it to the number of
    photos. `workers` processes load the photos of the trainings (None: as many as suit the device) and do not
    change the result. `precision` is that of the trainings, see `Recipe`.
    """

    weights: Path | str = BUNDLED
    classifier: Path | None = None
    training: bool = True
    settings: Settings = field(default_factory=Settings)
    classifier_recipe: Recipe = CLASSIFIER_RECIPE
    affinity_recipe: Recipe = AFFINITY_RECIPE
    segmentation_recipe: Recipe = SEGMENTATION_RECIPE
    least_steps: int = 150
    calibrate: bool = True
    coverage: float = COVERAGE
    segmentation: bool | None = None
    stages: bool = False
    seed: int = 0
    force: bool = False
    device: str = "cpu"
    workers: int | None = None
    precision: Precision = "auto"

    @property
    def modes(self) -> tuple[str, ...]:
        """The propagation modes to go through; the one of the settings makes the masks."""
        return tuple(PROPAGATIONS) if self.stages else (self.settings.mode,)

    def segments(self, count: int) -> bool:
        """Tell whether a segmentation network makes the final masks of `count` photos."""
        return count >= SEGMENTATION_FROM if self.segmentation is None else self.segmentation

    def walk_crf(self, count: int) -> bool:
        """Tell whether the CRF refines propagated masks: for the table, to learn from, or as final ones."""
        settings = self.settings
        return self.stages or settings.last_crf or (settings.mask_crf and self.segments(count))

    @property
    def segnet_crf(self) -> bool:
        """Whether the CRF refines what the segmentation network predicts: for the table, or as final."""
        return self.stages or self.settings.last_crf

    def plan(self, count: int) -> dict[str, float]:
        """Expected share of the time of each stage, in seconds an image of 320×213 pixels on one core, where
        there are `count` photos.
        """
        plan = {PHOTOS: 0.01}
        if self.classifier is None and self.training:
            plan[CLASSIFIER] = 0.12 * self.classifier_recipe.epochs
        plan |= {
            CAM: 0.4,
            SEED_ALPHA: 0.2,
            SEEDS: 0.14,
        }
        if self.training:
            plan[AFFINITY_NET] = 0.14 * self.affinity_recipe.epochs
        plan[WALK_ALPHA] = 0.06
        plan |= {PROPAGATIONS[mode].stage: 0.1 for mode in self.modes}
        if self.walk_crf(count):
            plan[CRF] = 0.15
        if self.segments(count) or self.stages:
            plan[SEGNET] = 0.2
            if self.training:
                plan[SEGMENTATION_NET] = 0.07 * self.segmentation_recipe.epochs
            if self.segnet_crf:
                plan[CRF_OF[SEGNET]] = 0.15
        if self.settings.refine:
            plan[REFINED] = 0.15
            if self.segments(count) or self.stages:
                plan[LABELS] = 0.15
        return plan | {SCORES: 0.08, MASKS: 0.02}
