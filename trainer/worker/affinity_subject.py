"""Corrections teach the AffinityNet, where no segmentation network makes the masks."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from trainer.data.classes import BACKGROUND, VOID
from trainer.engine import Engine
from trainer.learn.finetune import Example, FineTuner, copy_head
from trainer.method import calibration
from trainer.method.affinity import pair_affinity
from trainer.method.grid import majority
from trainer.method.propagations import WALK
from trainer.method.steps import make_mask, propagate
from trainer.models.affinitynet import AffinityNet
from trainer.worker.known_masks import ACCEPTED, AUTOMATIC, Known

ALPHA_PHOTOS = 12
"""Photos that the background exponent is found on."""


class AffinitySubject:
    """The AffinityNet of an engine; see `Subject`."""

    name = "affinity"
    steps = 20
    batch = 1

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def network(self) -> AffinityNet | None:
        """See `Subject.network`; None: the affinities are those of the backbone's maps alone."""
        return self._engine.models.affinity

    @property
    def classes(self) -> int:
        """See `Subject.classes`."""
        return len(self._engine.models.classes)

    @property
    def begun(self) -> bool:
        """See `Subject.begun`: a random head will do."""
        return True

    def blank(self, classes: int) -> AffinityNet:
        """See `Subject.blank`; affinities know no classes."""
        return copy_head(self._engine.affinity_net)

    def copy(self, net: AffinityNet) -> AffinityNet:
        """See `Subject.copy`."""
        return copy_head(net)

    def begin(self, photos: Sequence[Known], seed: int) -> Iterator[None]:
        """See `Subject.begin`."""
        yield from ()

    def head(self, net: AffinityNet) -> nn.Module:
        """See `Subject.head`."""
        return net.head

    def tuner(self, net: AffinityNet | None, rng: np.random.Generator) -> AffinityTuner:
        """See `Subject.tuner`."""
        return AffinityTuner(self, net, rng)

    def prepare(self, photos: Sequence[Known]) -> None:
        """There is nothing to take note of."""

    def fitting_alpha(
        self, net: AffinityNet | None, photos: Sequence[Known]
    ) -> Generator[None, None, float | None]:
        """See `Subject.fitting_alpha`: its foreground, after the walk, covers as much as objects do."""
        engine, settings = self._engine, self._engine.settings
        if settings.mode != WALK:
            return None
        covers = []
        for photo in photos:
            cams = engine.cams(photo.photo, photo.classes) if photo.complete else np.zeros(0)
            if cams.any():
                features = engine.features(engine.taps(photo.photo), net)
                covers.append(calibration.walked_cover(cams, features, settings))
                yield
            if len(covers) == ALPHA_PHOTOS:
                break
        if not covers:
            return None
        accepted = [photo.labels for photo in photos if photo.weight == ACCEPTED]
        search = yield from calibration.search_alpha(covers, calibration.expected_coverage(accepted))
        return search.alpha

    def mask(self, net: AffinityNet | None, photo: Known, alpha: float | None = None) -> np.ndarray:
        """See `Subject.mask`."""
        engine, settings = self._engine, self._engine.settings
        evidence = engine.evidence(photo.photo, photo.classes, alpha)
        features = engine.features(engine.taps(photo.photo), net)
        scores = propagate(features, pair_affinity(features[None])[0], evidence, settings)
        return make_mask(scores, photo.photo, evidence.classes, settings, crf=False)

    def use(self, net: AffinityNet | None, version: int, alpha: float | None = None) -> None:
        """See `Subject.use`."""
        self._engine.replace_models(affinity=net, version=version)
        if alpha is not None:
            self._engine.settings = replace(self._engine.settings, alpha=alpha)

    def example(self, photo: Known) -> Example:
        """Return a photo on the grid on which affinities live."""
        evidence = self._engine.evidence(photo.photo, photo.classes)
        painted = evidence.seeds
        if photo.weight != AUTOMATIC:
            painted = majority(photo.painted, evidence.seeds.shape)
        automatic = np.where(painted == VOID, evidence.seeds, VOID).astype(np.uint8)
        if not photo.complete:
            automatic[automatic == BACKGROUND] = VOID
        return Example(lambda: self._engine.taps(photo.photo), painted, automatic)


class AffinityTuner:
    """Teaches a copy of the head; see `Tuner`."""

    def __init__(self, subject: AffinitySubject, net: AffinityNet | None, rng: np.random.Generator) -> None:
        self._subject = subject
        self._tuner = FineTuner(net or subject.blank(subject.classes), rng)
        self.net = self._tuner.net

    def step(self, photos: Sequence[Known]) -> float:
        """See `Tuner.step`."""
        return float(np.mean([self._tuner.step(self._subject.example(photo)) for photo in photos]))
