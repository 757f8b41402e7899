"""One training run: rounds of a challenger against the incumbent, until nothing better comes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

import numpy as np

from trainer.data.classes import BACKGROUND, VOID
from trainer.data.images import load_image
from trainer.data.project import ImageRecord, Project, Split, Target
from trainer.engine import Engine
from trainer.errors import DataError
from trainer.learn.finetune import Agreement, Example, FineTuner, copy_head
from trainer.method.affinity import pair_affinity
from trainer.method.grid import majority
from trainer.method.settings import Settings
from trainer.method.steps import propagate
from trainer.models.affinitynet import AffinityNet
from trainer.translatable import TranslatableText, error_message, join_texts, translatable
from trainer.worker.messages import (
    LossPoint,
    Message,
    Promoted,
    State,
    StateChanged,
    TrainingProgress,
    ValidationPoint,
)
from trainer.worker.model_versions import save_version

BATCHES = 20
"""Batches, of one crop each, in a round."""
PATIENCE = 5
"""Rounds in a row without anything better after which a run ends."""
LEAST_GAIN = 1e-4
"""A smaller gain is noise: not worth a version, and new proposals for all images."""


class Training:
    """Fine-tunes the AffinityNet of an engine on the corrections of a project.

    The challenger starts as a copy of the incumbent and is trained further in each round. Whenever it is
    strictly better on the validation images, a copy of it becomes the incumbent: saved as a version, used by
    the engine. An image that cannot be read is left out from then on, and the reason is reported.
    """

    def __init__(
        self, project: Project, engine: Engine, send: Callable[[Message], None], seed: int = 0
    ) -> None:
        """Equal seeds and corrections give equal versions."""
        self._project, self._engine, self._send = project, engine, send
        self._rng = np.random.default_rng(seed)
        self._examples: dict[str, tuple[object, Example]] = {}
        self._left_out: dict[str, TranslatableText] = {}
        self._step = 0

    def batches(self) -> Iterator[None]:
        """Yield after each short piece of work; ends when patience runs out.

        Stopping early loses only the challenger. Raises NothingToLearn.
        """
        tuner = FineTuner(self._engine.affinity_net, self._rng)
        example_keys: object = None
        number = rounds_in_vain = 0
        while True:
            records = [record for record in self._project.corrected() if record.id not in self._left_out]
            if (now := [_example_key(record) for record in records]) != example_keys:
                example_keys, rounds_in_vain = now, 0
            if rounds_in_vain == PATIENCE:
                return
            try:
                promoted = yield from self._round(number + 1, tuner, records)
            except _Unreadable as error:
                self._left_out[error.image] = translatable(
                    "Training continues without {image}: {problem}.",
                    image=error.image,
                    problem=error_message(error),
                )
                self._send(StateChanged(State.TRAINING, join_texts(*self._left_out.values())))
                continue
            number += 1
            rounds_in_vain = 0 if promoted else rounds_in_vain + 1

    def _round(
        self, number: int, tuner: FineTuner, records: Sequence[ImageRecord]
    ) -> Generator[None, None, bool]:
        """Train and validate the challenger; return whether it was promoted."""
        settings = self._engine.settings
        train = yield from self._snapshot(records, "train", settings)
        validation = yield from self._snapshot(records, "val", settings)
        for batch in range(BATCHES):
            self._step += 1
            self._send(LossPoint(self._step, tuner.step(train[self._rng.integers(len(train))])))
            self._send(TrainingProgress(number, (batch + 1) / BATCHES, translatable("learning")))
            yield
        incumbent = yield from self._score(self._engine.models.affinity, validation, settings)
        challenger = yield from self._score(tuner.net, validation, settings)
        self._send(ValidationPoint(number, incumbent, challenger))
        if challenger <= incumbent + LEAST_GAIN:
            return False
        self._promote(tuner.net, challenger, len(train))
        return True

    def _snapshot(
        self, records: Sequence[ImageRecord], split: Split, settings: Settings
    ) -> Generator[None, None, list[Example]]:
        """Return the examples of a split as they are now, made again where the corrections moved."""
        examples = []
        for record in records:
            if record.split != split:
                continue
            made_of = _example_key(record), settings
            if record.id not in self._examples or self._examples[record.id][0] != made_of:
                self._examples[record.id] = made_of, self._example(record)
                yield
            examples.append(self._examples[record.id][1])
        # Strokes that were all undone or all void teach nothing, and must not break the round.
        taught = [example for example in examples if (example.painted != VOID).any()]
        if not taught:
            raise NothingToLearn(join_texts(*self._left_out.values()))
        return taught

    def _example(self, record: ImageRecord) -> Example:
        image = _photo(record)
        accepted = self._project.accepted_mask(record.id)
        painted = accepted
        if painted is None:
            painted = self._project.layer(record.id, Target.SEEDS, image.shape[:2])
        tags = {self._project.classes.id_of(name) for name in record.tags}
        evidence = self._engine.evidence(image, sorted(tags | painted_classes(painted)))
        height, width = evidence.seeds.shape
        labels = majority(painted, (height, width))
        automatic = np.where(labels == VOID, evidence.seeds, VOID).astype(np.uint8)
        return Example(lambda: self._engine.taps(_photo(record)), labels, automatic, evidence)

    def _score(
        self, net: AffinityNet | None, validation: Sequence[Example], settings: Settings
    ) -> Generator[None, None, float]:
        agreement = Agreement()
        for example in validation:
            features = self._engine.features(example.taps(), net)
            affinity = pair_affinity(features[None])[0]
            scores = propagate(features, affinity, example.evidence, settings)
            agreement.add(example, scores)
            yield
        return agreement.score

    def _promote(self, challenger: AffinityNet, score: float, images: int) -> None:
        net = copy_head(challenger)
        version = save_version(self._project, net, score, f"learnt from {images} corrected images")
        self._engine.replace_models(affinity=net, version=version.number)
        self._send(Promoted(version.number, score))


class NothingToLearn(Exception):
    """A split has no corrected image, or none with a painted pixel; the message tells of those left out."""


class _Unreadable(Exception):
    """A corrected image cannot be read; the message says why."""

    def __init__(self, image: str, why: str) -> None:
        super().__init__(why)
        self.image = image


def _photo(record: ImageRecord) -> np.ndarray:
    try:
        return load_image(record.path)
    except DataError as error:
        raise _Unreadable(record.id, error_message(error)) from error


def _example_key(record: ImageRecord) -> tuple[object, ...]:
    """What an example depends on besides the settings: another one makes patience start again."""
    return record.id, record.seed_revision, record.status, record.tags, record.split


def painted_classes(painted: np.ndarray) -> set[int]:
    """Return the ids of the classes, without background, in labels uint8 H×W."""
    counts = np.bincount(painted.ravel(), minlength=VOID + 1)
    return {int(label) for label in np.flatnonzero(counts) if label not in (BACKGROUND, VOID)}
