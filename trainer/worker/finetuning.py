"""Learning from corrections: rounds of a challenger against the incumbent, until nothing better comes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import numpy as np

from trainer.data.project import Project
from trainer.engine import Engine, Models
from trainer.evaluation import object_iou
from trainer.method.strokes import PhotoEmbedding
from trainer.translatable import TranslatableText, translatable
from trainer.worker.known_masks import Known, Unreadable
from trainer.worker.messages import (
    LossPoint,
    Message,
    ModelChanged,
    Promoted,
    State,
    StateChanged,
    TrainingProgress,
    ValidationPoint,
)
from trainer.worker.model_versions import (
    FOLDS,
    Taught,
    load_version,
    newest_sound,
    save_version,
    subject_of,
)
from trainer.worker.photos import Photos
from trainer.worker.subject import Subject, Tuner
from trainer.worker.verdict import LEAST_GAIN, paired

LEAST_PHOTOS = 4
"""Corrected photos without which there is no evidence of anything."""
REHEARSED = 16
"""Photos with automatic masks that a round adds to those rehearsed, for the networks not to forget."""
BEGINNING_PHOTOS = 100
"""Photos with automatic masks that a new network learns from before any correction."""
CORRECTED_SHARE = 0.5
"""Largest share of steps that learn from corrected photos."""
PATIENCE = 5
"""Rounds in a row without anything better after which a run ends."""
DISPROOF_PHOTOS = 3
"""Photos corrected after a promotion without which it is not called into question."""


class Training:
    """Teaches the network that makes the masks by the corrections of a project.

    Challengers are taught side by side: one by all corrected photos, and one for each fold by those of the
    others. A round teaches each a little more, and compares on every corrected photo the mask of the
    challenger that has not learnt from it with that of the incumbent's own counterpart. Where the mean
    difference is above zero with confidence, the challenger becomes the incumbent: saved as a version, used
    by the engine. What photos corrected since then show to be worse than the version before is taken back.

    Masks are compared as the desk shows them, and before the stroke network draws the outlines. A gain in
    either is evidence, as long as what is shown does not become worse: a mask that a person accepted began as
    the incumbent's own, with its outlines drawn, so that what is shown favours the incumbent.

    A photo that cannot be read is left out from then on, and the reason is reported.
    """

    def __init__(
        self,
        project: Project,
        engine: Engine,
        untuned: Models,
        send: Callable[[Message], None],
        seed: int = 0,
        untuned_alpha: float | None = None,
    ) -> None:
        """`untuned` are the models without any version, `untuned_alpha` the background exponent that fits
        them. Equal seeds, corrections and proposals give equal versions.
        """
        self._untuned_alpha = untuned_alpha
        self._project, self._engine, self._untuned, self._send = project, engine, untuned, send
        self._subject = self._present_subject()
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self._photos = Photos(project, engine, self._rng)
        self._step = 0
        self._ready = False

    def batches(self) -> Iterator[None]:
        """Yield after each short piece of work; ends when patience runs out.

        Stopping early loses only the challenger. Raises NothingToLearn.
        """
        self._photos.try_all_again()
        self._choose_subject()
        yield from self._begin()
        incumbent = self._incumbent()
        tuners, classes = self._tuners(incumbent), self._subject.classes
        fold_of = dict(incumbent.fold_of)
        learnt_from: list[Known] = []
        number = in_vain = 0
        while True:
            try:
                photos = yield from self._photos.corrected()
                if len(photos) < LEAST_PHOTOS:
                    raise NothingToLearn(len(photos), self._photos.problems)
                if photos != learnt_from:
                    learnt_from, in_vain = photos, 0
                    if (former := (yield from self._disproved(incumbent, photos))) is not None:
                        incumbent, fold_of = former, dict(former.fold_of)
                        self._ready = False
                        yield from self._begin()
                        tuners = self._tuners(incumbent)
                if in_vain == PATIENCE:
                    return
                if self._subject.classes != classes:
                    tuners, classes = self._tuners(incumbent), self._subject.classes
                _assign_folds(fold_of, [photo.image for photo in photos])
                if number:  # those of the first round are at hand already
                    yield from self._photos.rehearse(REHEARSED, self._subject)
            except Unreadable as error:
                self._leave_out(error)
                continue
            number += 1
            yield from self._teach(number, tuners, photos, fold_of)
            in_vain += 1
            known = [*photos, *self._photos.rehearsed]
            alpha = yield from self._subject.fitting_alpha(tuners[0].net, known)
            score = yield from self._judge(number, incumbent, tuners, alpha, photos, fold_of)
            if score is not None:
                folds = {photo.image: fold_of[photo.image] for photo in photos}
                incumbent = self._promote(tuners, folds, alpha, score)
                in_vain = 0

    @property
    def ready(self) -> bool:
        """Tell whether corrections can teach at once; else a run prepares that, even before there are
        enough of them.
        """
        return self._ready

    def _present_subject(self) -> Subject:
        tagged = sum(bool(record.tags) for record in self._project.images())
        corrected = {tag for record in self._project.corrected() for tag in record.tags}
        return subject_of(self._engine, tagged, corrected)

    def _choose_subject(self) -> None:
        """Teach another kind of network where a person has chosen other masks since the last run."""
        subject = self._present_subject()
        if subject.name != self._subject.name:
            self._subject = subject
            self._photos.rehearse_anew()
            self._ready = False

    def _begin(self) -> Iterator[None]:
        """Find photos to rehearse, and give corrections something to teach where there is nothing yet."""
        if self._ready:
            return
        progress = translatable("getting ready: learning from the masks proposed so far")
        begun = self._subject.begun
        wanted = REHEARSED if begun else BEGINNING_PHOTOS
        try:
            for _ in self._photos.rehearse(wanted - len(self._photos.rehearsed), self._subject):
                self._send(TrainingProgress(1, 0.5 * len(self._photos.rehearsed) / wanted, progress))
                yield
        except Unreadable as error:
            self._leave_out(error)
        if not begun:
            for _ in self._subject.begin(self._photos.rehearsed, self._seed):
                self._send(TrainingProgress(1, 0.5, progress))
                yield
        self._ready = True

    def _leave_out(self, error: Unreadable) -> None:
        self._photos.leave_out(error)
        self._send(StateChanged(State.TRAINING, self._photos.problems))

    # -- Teaching and judging --------------------------------------------------------------------------------

    def _incumbent(self) -> Taught:
        number = self._engine.models.version
        version = next((known for known in self._project.model_versions() if known.number == number), None)
        if version is None:
            return self._untaught()
        subject, taught = load_version(version, self._engine)
        return taught if subject.name == self._subject.name else self._untaught()

    def _tuners(self, taught: Taught) -> list[Tuner]:
        """Return what teaches the network for use, and then that of each fold."""
        return [
            self._subject.tuner(net, np.random.default_rng((self._seed, index)))
            for index, net in enumerate((taught.net, *taught.folds))
        ]

    def _teach(
        self, number: int, tuners: Sequence[Tuner], photos: Sequence[Known], fold_of: Mapping[str, int]
    ) -> Iterator[None]:
        """Teach all challengers for one round."""
        subject = self._subject
        rehearsed = self._photos.rehearsed
        subject.prepare([*photos, *rehearsed])
        total = subject.steps * len(tuners)
        for fold, tuner in enumerate(tuners, start=-1):
            mine = [photo for photo in photos if fold_of[photo.image] != fold]
            for step in range(subject.steps):
                self._step += 1
                batch = [_draw(mine, rehearsed, self._rng) for _ in range(subject.batch)]
                loss = tuner.step(batch)
                if fold < 0:
                    self._send(LossPoint(self._step, loss))
                done = (step + 1 + subject.steps * (fold + 1)) / total
                self._send(TrainingProgress(number, done, translatable("learning")))
                yield

    def _judge(
        self,
        number: int,
        incumbent: Taught,
        tuners: Sequence[Tuner],
        alpha: float | None,
        photos: Sequence[Known],
        fold_of: Mapping[str, int],
    ) -> Generator[None, None, float | None]:
        """Return the mean score of the challengers, with the background exponent that fits them, where they
        are better by evidence, else None.
        """
        old, new = [], []
        for photo in photos:
            fold = fold_of[photo.image]
            embedding = photo.embed()
            old.append(self._scores(incumbent.folds[fold], photo, embedding))
            yield
            new.append(self._scores(tuners[1 + fold].net, photo, embedding, alpha))
            yield
        (old_masks, old_shown), (new_masks, new_shown) = np.transpose(old), np.transpose(new)
        verdict, shown = paired(old_masks, new_masks), paired(old_shown, new_shown)
        score = float(new_masks.mean())
        self._send(ValidationPoint(number, float(old_masks.mean()), score))
        proven = shown.better or (verdict.better and shown.mean > -LEAST_GAIN)
        return score if proven else None

    def _scores(
        self, net: object, photo: Known, embedding: PhotoEmbedding, alpha: float | None = None
    ) -> tuple[float, float]:
        """Return the IoU of a network's mask, and of what the desk would show of it."""
        mask = self._subject.mask(net, photo, alpha)
        shown = photo.refined(mask, embedding)
        return object_iou(mask, photo.labels), object_iou(shown, photo.labels)

    def _promote(
        self, tuners: Sequence[Tuner], fold_of: Mapping[str, int], alpha: float | None, score: float
    ) -> Taught:
        net, *folds = (self._subject.copy(tuner.net) for tuner in tuners)
        taught = Taught(net, tuple(folds), fold_of, alpha)
        note = f"learnt from {len(fold_of)} corrected images"
        version = save_version(self._project, self._subject, taught, score, note)
        self._subject.use(net, version.number, alpha)
        self._send(Promoted(version.number, score, self._subject.name, alpha))
        return taught

    def _disproved(self, incumbent: Taught, photos: Sequence[Known]) -> Generator[None, None, Taught | None]:
        """Go back to the version before where photos corrected since then show that it was better."""
        since = [photo for photo in photos if photo.image not in incumbent.fold_of]
        if not incumbent.fold_of or len(since) < DISPROOF_PHOTOS:
            return None
        number, former = self._version_before()
        old, new = [], []
        for photo in since:
            embedding = photo.embed()
            old.append(self._scores(former.net, photo, embedding, former.alpha)[1])
            yield
            new.append(self._scores(incumbent.net, photo, embedding)[1])
            yield
        if not paired(old, new).worse:
            return None
        note = translatable(
            "Model {number} is taken back: the one before it was better on {n} images corrected since.",
            number=self._engine.models.version,
            n=len(since),
        )
        self._project.set_current_version(number)
        self._subject.use(former.net, number, former.alpha)
        self._send(ModelChanged(number, note, former.alpha))
        return former

    def _version_before(self) -> tuple[int, Taught]:
        """Return the newest version before the one in use that can be loaded; 0 is that without any."""
        number, loaded, _ = newest_sound(self._project, self._engine, self._engine.models.version - 1)
        if loaded is None or loaded[0].name != self._subject.name:
            return 0, self._untaught()
        return number, loaded[1]

    def _untaught(self) -> Taught:
        """Return what there is before any photo was learnt from."""
        net = getattr(self._untuned, self._subject.name)
        return Taught(net, (net,) * FOLDS, alpha=self._untuned_alpha)


def too_few(count: int) -> TranslatableText:
    """Return what to do where only `count` corrected photos can be learnt from."""
    if LEAST_PHOTOS - count == 1:
        return translatable(
            "Correct one more image: with {n} the trainer can tell what helps.", n=LEAST_PHOTOS
        )
    return translatable(
        "Correct {more} more images: with {n} the trainer can tell what helps.",
        more=LEAST_PHOTOS - count,
        n=LEAST_PHOTOS,
    )


class NothingToLearn(Exception):
    """Only `count` corrected photos can be learnt from; the message tells of those left out."""

    def __init__(self, count: int, left_out: str) -> None:
        super().__init__(left_out)
        self.count = count


def _assign_folds(fold_of: dict[str, int], images: Sequence[str]) -> None:
    """Give photos that have no fold yet one of those with the fewest photos."""
    for image in images:
        if image not in fold_of:
            fold_of[image] = min(range(FOLDS), key=list(fold_of.values()).count)


def _draw(corrected: Sequence[Known], rehearsed: Sequence[Known], rng: np.random.Generator) -> Known:
    """Draw a photo by its weight."""
    weight = sum(photo.weight for photo in corrected)
    share = min(CORRECTED_SHARE, weight / (weight + len(rehearsed))) if rehearsed else 1.0
    if rng.random() >= share:
        return rehearsed[int(rng.integers(len(rehearsed)))]
    weights = np.array([photo.weight for photo in corrected])
    return corrected[rng.choice(len(corrected), p=weights / weights.sum())]
