"""Learning a project's classes from its image tags (the paper's sections 3.1 to 3.4), in small steps.

Photos and tags → classifier → CAMs → seed cues → AffinityNet → masks → segmentation network: as in the
pipeline, but for the few images of a desk, without blocking other work on the thread.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from trainer.data.classes import UNTOUCHED
from trainer.data.digest import file_digest
from trainer.data.images import image_size
from trainer.data.project import ImageRecord, Project, Target
from trainer.data.views import Views
from trainer.engine import Engine
from trainer.errors import DataError
from trainer.learn import affinity as affinity_training
from trainer.learn import classifier as classifier_training
from trainer.learn.loop import Recipe, Step
from trainer.method import calibration, steps
from trainer.method.calibration import Cover
from trainer.method.crf import DenseCRF
from trainer.method.grid import resize_nearest
from trainer.method.settings import SEGMENTATION_FROM
from trainer.models.affinitynet import AffinityNet
from trainer.models.bundle import Bundle, load_models, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import channels_last, fused_for_inference
from trainer.models.segnet import SegmentationNet
from trainer.translatable import TranslatableText, error_message, join_texts, translatable
from trainer.worker.known_masks import painted_classes
from trainer.worker.learning_report import LearningReport
from trainer.worker.messages import Message, TagsLearnt, TrainingProgress
from trainer.worker.segmentation_stage import EPOCHS as SEGMENTATION_EPOCHS
from trainer.worker.segmentation_stage import SegmentationStage

FILE = "tags.safetensors"
"""What was learnt, among the project's models."""
MOST_IMAGES = 300
"""Of more tagged images, so many are learnt from."""
LEAST_STEPS = 150
"""Batches that a network needs to learn anything, however few the images are."""
LARGEST_BATCH = 8
"""Half of the headless one, since a prediction has to wait for the batch in hand."""
PHOTO_BYTES = 256 << 20
"""Memory for reduced photos; those beyond it are decoded again."""
CLASSIFIER_RECIPE = classifier_training.RECIPE
AFFINITY_RECIPE = affinity_training.RECIPE
ALPHA_IMAGES = 12
"""Images the background exponents are found on."""
SECONDS = {
    "classes": 0.075,
    "looks": 0.11,
    "seed alpha": 0.027,
    "cues": 0.23,
    "outlines": 0.11,
    "walk alpha": 0.007,
    "masks": 0.45,
    "segmentation": 0.05,
}
"""CPU seconds of one image (of one step of the search for α) in each stage, measured on photos of 320×213
pixels with the bundled backbone; the clock measures how fast the machine is."""
ALPHA_AT_BOUND = translatable(
    "α ended at the end of its range: look at the masks, and move α in the Seeds panel if they cover too "
    "much or too little."
)
TOO_FEW = translatable("Tag at least two images first: the classes are learnt from the tags.")


@dataclass(frozen=True)
class Look:
    """One image that is looked at for the background exponents: uint8 H×W×3 and its CAMs, K×H×W."""

    view: np.ndarray
    cams: np.ndarray


class TagLearning:
    """Trains a classifier and an AffinityNet for a project's classes on its tagged images.

    They begin with a copy of the engine's backbone, so that proposals go on as before, and with new heads.
    What a person painted or accepted takes the place of the automatic seed cues. Only at the very end are the
    networks written, whole or not at all, and put into the engine.
    """

    def __init__(
        self, project: Project, engine: Engine, send: Callable[[Message], None], seed: int = 0
    ) -> None:
        """Equal seeds, photos, tags and corrections give equal networks."""
        self._project, self._engine, self._send, self._seed = project, engine, send, seed
        self._settings, self._classes = engine.settings, project.classes
        self._report = LearningReport(send)
        self._problems: list[TranslatableText] = []

    def batches(self) -> Iterator[None]:
        """Yield after each short piece of work. Stopping early changes nothing.

        Raises DataError where fewer than two of the tagged images can be read.
        """
        records = yield from self._readable(chosen(self._project.images()))
        count = len(records)
        views = Views([record.path for record in records], self._settings.max_side, PHOTO_BYTES)
        shown = [self._shown(record) for record in records]
        classifier_recipe, affinity_recipe = self._recipes(count)
        classifier, net = self._new_networks()

        # No worker processes: a program with windows and threads must not be forked.
        batches = classifier_training.classifier_steps(classifier, views, shown, classifier_recipe, workers=0)
        yield from self._train(
            "classes", translatable("Learning the classes"), batches, classifier_recipe.steps(count)
        )
        fused = fused_for_inference(classifier)
        coverage = self._coverage(records)
        looks = yield from self._looks(fused, views, shown)
        seed_alpha = yield from self._alpha("seed alpha", coverage, looks, self._refined_cover)
        self._settings = self._settings.calibrated(seed_alpha, seed_alpha)
        seeds = yield from self._seeds(fused, records, views, shown)
        # [ours] One backbone serves both: trained on the seeds as well, it would learn their faults.
        classifier.backbone.freeze_norm().requires_grad_(False)
        batches = affinity_training.affinity_steps(net, views, seeds, affinity_recipe, workers=0)
        yield from self._train(
            "outlines", translatable("Learning the outlines"), batches, affinity_recipe.steps(count)
        )

        walked = partial(self._walked_cover, net.eval())
        alpha = yield from self._alpha("walk alpha", coverage, looks, walked)
        self._settings = self._settings.calibrated(alpha, seed_alpha)
        segmentation = None
        if count >= SEGMENTATION_FROM:
            stage = SegmentationStage(self._project, self._engine, self._settings, self._report, self._seed)
            masks = yield from stage.masks(fused, net, records, views, shown, seeds)
            segmentation = yield from stage.network(classifier, views, masks)
        self._keep(count, classifier, net, segmentation, alpha, seed_alpha)

    def _keep(
        self,
        count: int,
        classifier: CamClassifier,
        net: AffinityNet,
        segmentation: SegmentationNet | None,
        alpha: float,
        seed_alpha: float,
    ) -> None:
        """Write what was learnt, put it into the engine, and say so."""
        engine = self._engine
        settings = engine.settings.calibrated(alpha, seed_alpha)
        learnt: dict[str, Any] = {"classifier": classifier, "affinity": net}
        if segmentation is not None:  # else one that was there before stays in use
            learnt["segmentation"] = segmentation
            settings = replace(settings, segmentation=True)
        info = {"base": engine.models.base, "images": count, **settings.of_models}
        file = self._project.models_dir / FILE
        save_models(file, Bundle(self._classes.names, classifier, net, segmentation, info))
        self._project.set_current_version(0)
        engine.replace_models(**learnt, version=0, digest=file_digest(file))
        engine.settings = settings
        segments = segmentation is not None
        self._send(TagsLearnt(count, join_texts(*self._problems), alpha, seed_alpha, segments))

    # -- Stages ----------------------------------------------------------------------------------------------

    def _readable(self, records: Sequence[ImageRecord]) -> Generator[None, None, list[ImageRecord]]:
        """Leave out the photos that cannot be read, and remember why."""
        views, good = Views([record.path for record in records], self._settings.max_side, 0), []
        for index, record in enumerate(records):
            try:
                views[index]
                good.append(record)
            except DataError as error:
                self._problems.append(error_message(error))
            self._send(TrainingProgress(0, 0.0, translatable("Reading the photos")))
            yield
        if len(good) < 2:
            raise DataError(join_texts(TOO_FEW, *self._problems))
        return good

    def _train(
        self, stage: str, text: TranslatableText, batches: Iterator[Step], total: int
    ) -> Iterator[None]:
        with self._report.stage(stage, total):
            for batch in batches:
                self._report.learnt(batch.loss, text)
                yield

    def _looks(
        self, classifier: CamClassifier, views: Views, shown: Sequence[Sequence[int]]
    ) -> Generator[None, None, list[Look]]:
        """Make the CAMs of the images that the background exponents are found on."""
        tagged = [index for index, ids in enumerate(shown) if ids]
        looks = []
        with self._report.stage("looks", ALPHA_IMAGES):
            for place in calibration.sample(len(tagged), ALPHA_IMAGES):
                view, ids = views[tagged[place]], shown[tagged[place]]
                cams = steps.find_cams(classifier, view, ids, self._settings)
                looks.append(Look(view, cams))
                self._report.advance(translatable("Weighing the background"))
                yield
        return looks

    def _alpha(
        self, stage: str, coverage: float, looks: Sequence[Look], cover_of: Callable[[Look], Cover]
    ) -> Generator[None, None, float]:
        """Find the background exponent whose foreground covers `coverage` of the photos."""
        weighing = translatable("Weighing the background")

        def told(cover: Cover) -> Cover:
            def covered(alpha: float) -> float:
                self._report.advance(weighing)
                return cover(alpha)

            return covered

        covers = []
        with self._report.stage(stage, ALPHA_IMAGES * (1 + calibration.STEPS)):
            for look in looks:
                covers.append(told(cover_of(look)))
                self._report.advance(weighing)
                yield
            search = yield from calibration.search_alpha(covers, coverage)
        if search.bound is not None and ALPHA_AT_BOUND not in self._problems:
            self._problems.append(ALPHA_AT_BOUND)
        return search.alpha

    def _refined_cover(self, look: Look) -> Cover:
        return calibration.refined_cover(look.cams, DenseCRF(look.view, self._settings.crf).infer)

    def _walked_cover(self, net: AffinityNet, look: Look) -> Cover:
        features = steps.find_features(net, look.view, self._engine.device)
        return calibration.walked_cover(look.cams, features, self._settings)

    def _seeds(
        self,
        classifier: CamClassifier,
        records: Sequence[ImageRecord],
        views: Views,
        shown: Sequence[Sequence[int]],
    ) -> Generator[None, None, list[np.ndarray]]:
        """Return the seed cues of each image, uint8, at the size the networks see it."""
        seeds = []
        with self._report.stage("cues", len(records)):
            for record, view, ids in zip(records, views, shown, strict=True):
                cues = self._project.accepted_mask(record.id)
                if cues is None:
                    cams = steps.find_cams(classifier, view, ids, self._settings)
                    yield
                    cues = steps.find_seeds(cams, view, ids, self._settings)
                    if (painted := self._painted(record)) is not None:
                        painted = resize_nearest(painted, cues.shape)
                        cues = np.where(painted == UNTOUCHED, cues, painted)
                seeds.append(resize_nearest(cues, view.shape[:2]))
                self._report.advance(translatable("Finding seed cues"))
                yield
        return seeds

    # -- What they need --------------------------------------------------------------------------------------

    def _recipes(self, count: int) -> tuple[Recipe, Recipe]:
        """Fit both recipes to the number of images, and tell the clock."""
        first, second = (
            replace(fitted(recipe, count), seed=self._seed) for recipe in (CLASSIFIER_RECIPE, AFFINITY_RECIPE)
        )
        weighing = ALPHA_IMAGES * (1 + calibration.STEPS)
        segmented = count if count >= SEGMENTATION_FROM else 0
        looks = (
            first.steps(count) * first.batch,
            ALPHA_IMAGES,
            weighing,
            count,
            second.steps(count) * second.batch,
            weighing,
            segmented,
            segmented * SEGMENTATION_EPOCHS,
        )
        self._report.plan({name: SECONDS[name] * n for name, n in zip(SECONDS, looks, strict=True)})
        return first, second

    def _new_networks(self) -> tuple[CamClassifier, AffinityNet]:
        backbone = copy.deepcopy(self._engine.models.classifier.backbone).requires_grad_(True)
        backbone.freeze_norm(backbone.norm_frozen)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            classifier, net = CamClassifier(backbone, len(self._classes)), AffinityNet(backbone)
        device = self._engine.device
        return channels_last(classifier.to(device)), channels_last(net.to(device))

    def _shown(self, record: ImageRecord) -> list[int]:
        """Ids of the classes an image shows, be they tagged or painted."""
        painted = self._project.accepted_mask(record.id)
        if painted is None:
            painted = self._painted(record)
        tagged = {self._classes.id_of(name) for name in record.tags}
        return sorted(tagged | (set() if painted is None else painted_classes(painted)))

    def _coverage(self, records: Sequence[ImageRecord]) -> float:
        """How much of a photo its objects cover, by the masks accepted so far."""
        masks = (self._project.accepted_mask(record.id) for record in records)
        return calibration.expected_coverage([mask for mask in masks if mask is not None])

    def _painted(self, record: ImageRecord) -> np.ndarray | None:
        if record.seed_revision == 0:
            return None
        return self._project.layer(record.id, Target.SEEDS, image_size(record.path))


def chosen(records: Sequence[ImageRecord], most: int = MOST_IMAGES) -> list[ImageRecord]:
    """Return the images to learn from: the tagged ones, or of more than `most` a choice that gives every
    class its share; none where fewer than two show a class.
    """
    tagged = [record for record in records if record.tagged]
    if sum(bool(record.tags) for record in tagged) < 2:
        return []
    seen: Counter[str] = Counter()
    turns = []
    for record in tagged:
        names = record.tags or ("",)  # Showing nothing counts as a class.
        turns.append(min(seen[name] for name in names))
        seen.update(names)
    first = sorted(range(len(tagged)), key=turns.__getitem__)[:most]
    return [tagged[index] for index in sorted(first)]


def fitted(recipe: Recipe, count: int) -> Recipe:
    """Return `recipe` for `count` images: smaller batches for few of them, and `LEAST_STEPS` at least."""
    batch = min(recipe.batch, LARGEST_BATCH, max(4, count // 4))
    return replace(recipe, batch=batch, epochs=max(recipe.epochs, -(-LEAST_STEPS // -(-count // batch))))


def load_learnt(project: Project, base: str) -> Bundle | None:
    """Return what `project` has learnt from its tags, beginning with the weights file of the digest `base`;
    None where it has not. Raises WeightsError when the file is damaged.
    """
    file = project.models_dir / FILE
    if not file.is_file():
        return None
    bundle = load_models(file)
    return bundle if bundle.info.get("base") == base else None
