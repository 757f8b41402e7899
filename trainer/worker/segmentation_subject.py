"""Corrections teach the segmentation network: its head, with automatic masks as rehearsal."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from trainer.data.classes import BACKGROUND, VOID, labels_in
from trainer.engine import Engine
from trainer.feature_cache import FeatureCache
from trainer.learn.segmentation import class_weights
from trainer.learn.segmentation_head import (
    NEW_RATE,
    RATE,
    HeadExample,
    HeadTuner,
    copy_head,
    head_steps,
    new_head,
    photo_maps,
    predict_from_maps,
)
from trainer.models.class_rows import forget, grown, learnt_rows, segments
from trainer.models.segnet import SegmentationNet
from trainer.worker.affinity_subject import AffinitySubject
from trainer.worker.known_masks import AUTOMATIC, Known

BEGINNING_EPOCHS = 8
"""How often a new head learns from each photo."""


class SegmentationSubject:
    """The segmentation network of an engine, or one that is to take the place of propagation; see `Subject`.

    Its backbone is the classifier's, unless there is a network with its own.

    A class that is propagated because the network lacks it goes on to be, unless photos of it were corrected:
    only then is it judged who shows it better. With `only_new` it goes on in any case, and the network is
    taught those classes alone that the classifier does not know.
    """

    name = "segmentation"
    steps = 25
    batch = 4

    def __init__(self, engine: Engine, only_new: bool = False) -> None:
        self._engine = engine
        self._propagation = AffinitySubject(engine)
        self._maps = FeatureCache()
        self._beginning: SegmentationNet | None = None
        self.weights = torch.ones(1)
        self.labels: list[int] = []
        self._only_new = only_new
        self._left_out: list[int] = []
        if only_new:
            self._beginning = self.blank(self.classes)
            forget(self._beginning.classify, range(1, 1 + self.classes))

    def network(self) -> SegmentationNet | None:
        """See `Subject.network`; None: the masks are propagated."""
        return self._engine.models.segmentation

    @property
    def classes(self) -> int:
        """See `Subject.classes`."""
        return len(self._engine.models.classes)

    @property
    def begun(self) -> bool:
        """See `Subject.begun`."""
        return self.network() is not None or self._beginning is not None

    def blank(self, classes: int) -> SegmentationNet:
        """See `Subject.blank`."""
        known = self.network()
        backbone = self._engine.models.classifier.backbone if known is None else known.backbone
        return new_head(backbone, classes, seed=0)

    def copy(self, net: SegmentationNet) -> SegmentationNet:
        """See `Subject.copy`."""
        return copy_head(net)

    def begin(self, photos: Sequence[Known], seed: int) -> Iterator[None]:
        """See `Subject.begin`: a new head learns from the propagated masks, outlines drawn."""
        examples = [HeadExample(partial(self.maps, photo), photo.labels) for photo in photos]
        rng = np.random.default_rng(seed)
        tuner = HeadTuner(self.blank(self.classes), rng, NEW_RATE)
        for _ in head_steps(tuner, examples, self.classes, BEGINNING_EPOCHS, self.batch, rng):
            yield
        self._beginning = tuner.net

    def head(self, net: SegmentationNet) -> nn.Module:
        """See `Subject.head`."""
        return net.head

    def tuner(self, net: SegmentationNet | None, rng: np.random.Generator) -> SegmentationTuner:
        """See `Subject.tuner`."""
        net = net or self._beginning
        assert net is not None
        return SegmentationTuner(self, grown(net, self.classes), rng)

    def prepare(self, photos: Sequence[Known]) -> None:
        """Weigh the classes by how much of the photos they cover; leave out those that are propagated."""
        network = self.network() or self._beginning
        propagated = {1 + row for row in learnt_rows(self._engine.models.classifier.head)}
        if network is not None:
            propagated -= set(learnt_rows(network.classify))
        if not self._only_new:
            propagated -= {
                label for photo in photos if photo.weight != AUTOMATIC for label in labels_in(photo.labels)
            }
        self._left_out = sorted(propagated)
        masks = [self.taught(photo) for photo in photos for _ in range(photo.weight)]
        weights = class_weights(masks, 1 + self.classes)
        self.weights = weights.to(self._engine.device)
        self.labels = sorted({label for mask in masks for label in labels_in(mask)} - {VOID})

    def fitting_alpha(
        self, net: SegmentationNet | None, photos: Sequence[Known]
    ) -> Generator[None, None, float | None]:
        """See `Subject.fitting_alpha`: it has none."""
        yield from ()
        return None

    def taught(self, photo: Known) -> np.ndarray:
        """Return the labels of a photo that are learnt from, uint8 H×W, 255 none."""
        if not self._left_out:
            return photo.labels
        return np.where(np.isin(photo.labels, self._left_out), np.uint8(VOID), photo.labels)

    def mask(self, net: SegmentationNet | None, photo: Known, alpha: float | None = None) -> np.ndarray:
        """See `Subject.mask`: propagated, as the desk shows it, where the network lacks a class."""
        if net is None or not segments(net, self._engine.models.classifier, photo.classes):
            return self._propagation.mask(self._engine.models.affinity, photo, alpha)
        maps = partial(self.maps, photo)
        return predict_from_maps(net, maps, photo.classes, photo.labels.shape)

    def use(self, net: SegmentationNet | None, version: int, alpha: float | None = None) -> None:
        """See `Subject.use`."""
        self._engine.replace_models(segmentation=net, version=version)
        if net is not None:
            self._engine.settings = replace(self._engine.settings, segmentation=True)

    def maps(self, photo: Known, mirrored: bool) -> tuple[Tensor, ...]:
        """Return what heads need of a photo or its mirror image."""

        def compute() -> tuple[Tensor, ...]:
            net = self.network() or self.blank(self.classes)  # all share its backbone
            return photo_maps(net, photo.photo, mirrored)

        return self._maps.get((photo.digest, mirrored), compute)


class SegmentationTuner:
    """Teaches a copy of the head; see `Tuner`."""

    def __init__(self, subject: SegmentationSubject, net: SegmentationNet, rng: np.random.Generator) -> None:
        self._subject = subject
        new = learnt_rows(net.classify) == [BACKGROUND]
        self._tuner = HeadTuner(net, rng, NEW_RATE if new else RATE)
        self.net = self._tuner.net

    def step(self, photos: Sequence[Known]) -> float:
        """See `Tuner.step`."""
        self._tuner.open_rows(self._subject.labels)
        subject = self._subject
        examples = [HeadExample(partial(subject.maps, photo), subject.taught(photo)) for photo in photos]
        return self._tuner.step(examples, self._subject.weights)
