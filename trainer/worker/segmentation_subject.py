"""Corrections teach the segmentation network: its head, with automatic masks as rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from trainer.data.classes import VOID, labels_in
from trainer.engine import Engine
from trainer.feature_cache import FeatureCache
from trainer.learn.segmentation import class_weights
from trainer.learn.segmentation_head import HeadTuner, Lesson, copy_head, photo_maps, predict_from_maps
from trainer.models.segnet import SegmentationNet
from trainer.worker.known_masks import Known


class SegmentationSubject:
    """The segmentation network of an engine; see `Subject`."""

    name = "segmentation"
    steps = 25
    batch = 4

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._maps = FeatureCache()
        self.weights = torch.ones(1)
        self.labels: list[int] = []

    @staticmethod
    def fits(engine: Engine) -> bool:
        """Tell whether an engine has one."""
        return engine.models.segmentation is not None

    def network(self) -> SegmentationNet:
        """See `Subject.network`."""
        assert self._engine.models.segmentation is not None
        return self._engine.models.segmentation

    def blank(self) -> SegmentationNet:
        """See `Subject.blank`."""
        return copy_head(self.network())

    def head(self, net: SegmentationNet) -> nn.Module:
        """See `Subject.head`."""
        return net.head

    def tuner(self, net: SegmentationNet, rng: np.random.Generator) -> SegmentationTuner:
        """See `Subject.tuner`."""
        return SegmentationTuner(self, net, rng)

    def prepare(self, photos: Sequence[Known]) -> None:
        """Weigh the classes by how much of the photos they cover."""
        masks = [photo.labels for photo in photos for _ in range(photo.weight)]
        weights = class_weights(masks, self.network().classify.out_channels)
        self.weights = weights.to(self._engine.device)
        self.labels = sorted({label for mask in masks for label in labels_in(mask)} - {VOID})

    def mask(self, net: SegmentationNet, photo: Known) -> np.ndarray:
        """See `Subject.mask`."""
        maps = partial(self.maps, photo)
        return photo.refined(predict_from_maps(net, maps, photo.classes, photo.labels.shape))

    def use(self, net: SegmentationNet, version: int) -> None:
        """See `Subject.use`."""
        self._engine.replace_models(segmentation=net, version=version)

    def maps(self, photo: Known, mirrored: bool) -> tuple[Tensor, ...]:
        """Return what heads need of a photo or its mirror image."""
        net = self.network()  # all share its backbone
        return self._maps.get((photo.digest, mirrored), lambda: photo_maps(net, photo.photo, mirrored))


class SegmentationTuner:
    """Teaches a copy of the head; see `Tuner`."""

    def __init__(self, subject: SegmentationSubject, net: SegmentationNet, rng: np.random.Generator) -> None:
        self._subject = subject
        self._tuner = HeadTuner(net, rng)
        self.net = self._tuner.net

    def step(self, photos: Sequence[Known]) -> float:
        """See `Tuner.step`."""
        self._tuner.open_rows(self._subject.labels)
        lessons = [Lesson(partial(self._subject.maps, photo), photo.labels) for photo in photos]
        return self._tuner.step(lessons, self._subject.weights)
