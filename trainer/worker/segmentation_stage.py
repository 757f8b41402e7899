"""The last stage of learning from tags: masks of the photos, and a segmentation network taught by them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial

import numpy as np
from torch import Tensor

from trainer.data.project import ImageRecord, Project
from trainer.data.views import Views, resize_to_fit
from trainer.engine import Engine
from trainer.feature_cache import FeatureCache
from trainer.learn.segmentation_head import NEW_RATE, HeadExample, HeadTuner, head_steps, new_head, photo_maps
from trainer.method import steps
from trainer.method.affinity import pair_affinity
from trainer.method.grid import resize_nearest
from trainer.method.settings import Settings
from trainer.models.affinitynet import AffinityNet
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.translatable import translatable
from trainer.worker.known_masks import LONG_SIDE
from trainer.worker.learning_report import LearningReport

EPOCHS, BATCH = 8, 8


class SegmentationStage:
    """Makes masks with the networks learnt so far, and of the masks a network.

    What a person accepted takes the place of a mask made.
    """

    def __init__(
        self, project: Project, engine: Engine, settings: Settings, report: LearningReport, seed: int
    ) -> None:
        """`settings` are those that fit the networks; equal seeds give equal networks."""
        self._project, self._engine, self._settings = project, engine, settings
        self._report, self._seed = report, seed

    def masks(
        self,
        classifier: CamClassifier,
        net: AffinityNet,
        records: Sequence[ImageRecord],
        views: Views,
        shown: Sequence[Sequence[int]],
        seeds: Sequence[np.ndarray],
    ) -> Generator[None, None, list[np.ndarray]]:
        """Return the mask of each image, uint8, as large as the network learns from it: the accepted one, or
        that of the walk, its outlines drawn.
        """
        masks = []
        settings, strokes = self._settings, self._engine.strokes
        with self._report.stage("masks", len(records)):
            for record, view, ids, cues in zip(records, views, shown, seeds, strict=True):
                mask = self._project.accepted_mask(record.id)
                if mask is None:
                    cams = steps.find_cams(classifier, view, ids, settings)
                    yield
                    evidence = steps.gather_evidence(cams, cues, ids, settings)
                    features = steps.find_features(net, view, self._engine.device)
                    scores = steps.propagate(features, pair_affinity(features[None])[0], evidence, settings)
                    walked = steps.make_mask(scores, view, evidence.classes, settings, crf=False)
                    mask = strokes.propose(strokes.embed(view), walked)
                size = resize_to_fit(view, LONG_SIDE).shape[:2]
                masks.append(resize_nearest(mask, size))
                self._report.advance(translatable("Drawing masks to learn from"))
                yield
        return masks

    def network(
        self, classifier: CamClassifier, views: Views, masks: Sequence[np.ndarray]
    ) -> Generator[None, None, SegmentationNet]:
        """Return a segmentation network on the classifier's backbone, taught by masks of the photos."""
        classes = classifier.head.out_channels
        net = new_head(classifier.backbone, classes, self._seed)
        rng = np.random.default_rng(self._seed)
        tuner = HeadTuner(net, rng, NEW_RATE)
        cache = FeatureCache()

        def maps(index: int, mirrored: bool) -> tuple[Tensor, ...]:
            photo = resize_to_fit(views[index], LONG_SIDE)
            return cache.get((index, mirrored), lambda: photo_maps(net, photo, mirrored))

        examples = [HeadExample(partial(maps, index), mask) for index, mask in enumerate(masks)]
        text = translatable("Learning the masks")
        with self._report.stage("segmentation", EPOCHS * len(examples)):
            for loss in head_steps(tuner, examples, classes, EPOCHS, BATCH, rng):
                self._report.learnt(loss, text)
                yield
        return tuner.net
