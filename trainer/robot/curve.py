"""How much corrections help the photos that nobody has corrected: the trainer on, and off.

A robot corrects the photos of a data set, in the order that the desk suggests or by chance, and accepts
their masks. After every few of them it looks at the photos it has not come to yet: how good their masks are
by then, and how many strokes they would need.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.project import Project, Target
from trainer.data.source import Item, Source
from trainer.engine import Engine
from trainer.errors import DataError
from trainer.evaluation import Confusion, object_iou
from trainer.progress import NullReporter, Reporter
from trainer.proposal import Proposal
from trainer.robot import CurveOptions
from trainer.robot.clicks import CarefulRobot
from trainer.robot.photos import Photo, PhotoSet
from trainer.worker.messages import Message, Start, State, StateChanged
from trainer.worker.thread import TrainerWorker

TARGETS = (0.85, 0.90)
CLICKS = 10
"""Clicks on a photo after which it is given up."""
AT_REST = (State.CONVERGED, State.WAITING, State.FAILED)


@dataclass(frozen=True)
class Point:
    """What the photos that are not corrected are like after `corrected` ones are.

    `miou_untouched` and `miou_propagated` are those of all of them, as the desk shows them, and before the
    stroke network draws the outlines. `strokes_85` and `strokes_90` are means over the sample: clicks to an
    IoU of 0.85 and 0.90, `CLICKS` where that was not reached. `version` is the model in use.
    """

    corrected: int
    miou_untouched: float
    miou_propagated: float
    strokes_85: float
    strokes_90: float
    version: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Look:
    """A photo as models see it: its masks, how unsure they are, the strokes it needs (None: not counted)."""

    mask: np.ndarray
    propagated: np.ndarray
    margin: float
    strokes: tuple[int, ...] | None


class Curve:
    """Simulates work on a set of photos, once without the trainer and once with it.

    Both start from the same models, correct the same photos in the same order, and are judged by the same
    ones. `order` and `looks`, by photo id, are those of the start.
    """

    def __init__(
        self, engine: Engine, photos: PhotoSet, tags: dict[str, tuple[str, ...]], options: CurveOptions
    ) -> None:
        """`tags` by photo id; photos without any are left out. The engine learns, if at all, in `on`."""
        self._engine, self._classes, self._options = engine, photos.classes, options
        self._tags = tags
        self._photos = [photo for photo in photos.photos if tags.get(photo.id)]
        if len(self._photos) < 2:
            raise DataError(
                f"{len(self._photos)} photos of {photos.root} have tags and a true mask; give two or more"
            )
        self.looks: dict[str, Look] = {}
        self.order: list[Photo] = []
        self._sample: set[str] = set()

    def off(self, report: Reporter | None = None) -> list[Point]:
        """Return the points without any learning; to be asked for first."""
        report = report or NullReporter()
        rng = np.random.default_rng(self._options.seed)
        shuffled = [self._photos[index] for index in rng.permutation(len(self._photos))]
        with report.stage("proposals", len(shuffled)) as stage:
            for photo in shuffled:
                self.looks[photo.id] = self._look(photo, strokes=False)
                stage.advance(note=photo.id)
        self.order = shuffled
        if self._options.order == "suggested":
            self.order = sorted(shuffled, key=lambda photo: -self.looks[photo.id].margin)
        untouched = [photo for photo in shuffled if photo not in self.order[: self._options.corrected]]
        self._sample = {photo.id for photo in untouched[: self._options.sample]}
        self.looks |= self._look_at(untouched[: self._options.sample], report)
        return [self._point(count, self.looks) for count in self._counts()]

    def on(self, report: Reporter | None = None) -> list[Point]:
        """Return the points with a trainer that is given the time to come to rest after every few photos."""
        report = report or NullReporter()
        with tempfile.TemporaryDirectory() as folder:
            project = Project.create(Path(folder), self._source())
            bench = _Bench(project, self._engine)
            try:
                return self._work(project, bench, report)
            finally:
                bench.worker.stop()
                project.close()

    def _work(self, project: Project, bench: _Bench, report: Reporter) -> list[Point]:
        points, looks = [], self.looks
        for before, count in zip([0, *self._counts()], self._counts(), strict=False):
            with report.stage("corrections", count - before) as stage:
                for photo in self.order[before:count]:
                    self._correct(project, photo)
                    stage.advance(note=photo.id)
            version = self._engine.models.version
            if count > before:
                bench.rest()
            if self._engine.models.version != version:
                looks = self._look_at(self.order[count:], report)
            points.append(self._point(count, looks))
        return points

    def _counts(self) -> list[int]:
        """Return after how many corrected photos the others are looked at."""
        most = min(self._options.corrected, len(self._photos) - 1)
        return [*range(0, most, self._options.every), most]

    def _source(self) -> Source:
        items = [Item(photo.id, photo.image_path, self._tags[photo.id]) for photo in self._photos]
        return Source(self._photos[0].image_path.parent, self._classes, items)

    def _correct(self, project: Project, photo: Photo) -> None:
        """Have the robot correct a photo from its present proposal on, and accept its mask."""
        image, truth = photo.load(self._classes)
        proposal = self._engine.propose(image, self._tags[photo.id])
        robot, mask = CarefulRobot(truth), proposal.mask
        for left in range(CLICKS, 0, -1):
            before = robot.corrections.copy()
            if object_iou(mask, truth) >= TARGETS[-1] or robot.click(mask, left) is None:
                break
            mask = proposal.refine(robot.corrections)
            rows, columns = np.nonzero(before != robot.corrections)
            if len(rows):
                box = int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1
                part = np.s_[box[0] : box[2], box[1] : box[3]]
                project.record_edit(
                    photo.id, Target.SEEDS, box, before[part], robot.corrections[part], "robot"
                )
        project.store_proposal_mask(photo.id, mask)
        if self._options.accept:
            project.accept(photo.id, mask)

    def _look_at(self, photos: Sequence[Photo], report: Reporter) -> dict[str, Look]:
        with report.stage("untouched photos", len(photos)) as stage:
            looks = {}
            for photo in photos:
                looks[photo.id] = self._look(photo, strokes=photo.id in self._sample)
                stage.advance(note=photo.id)
        return looks

    def _look(self, photo: Photo, strokes: bool) -> Look:
        image, truth = photo.load(self._classes)
        proposal = self._engine.propose(image, self._tags[photo.id])
        counted = _strokes(proposal, truth) if strokes else None
        return Look(proposal.mask, proposal.propagated, proposal.margin, counted)

    def _point(self, count: int, looks: dict[str, Look]) -> Point:
        refined, propagated = Confusion(self._classes), Confusion(self._classes)
        strokes = []
        for photo in self.order[count:]:
            look, truth = looks[photo.id], photo.load(self._classes)[1]
            refined.add(look.mask, truth)
            propagated.add(look.propagated, truth)
            if look.strokes is not None:
                strokes.append(look.strokes)
        to_85, to_90 = np.mean(strokes, axis=0).tolist() if strokes else (0.0, 0.0)
        version = self._engine.models.version
        return Point(count, refined.miou, propagated.miou, to_85, to_90, version)


class _Bench:
    """A trainer at work on a project; `worker` is its thread."""

    def __init__(self, project: Project, engine: Engine) -> None:
        self._state = State.IDLE
        self._changed = threading.Condition()
        self.worker = TrainerWorker(project, engine, self._hear)
        self.worker.start()
        self._wait()

    def rest(self) -> None:
        """Have the trainer learn from what is corrected by now, and wait until it has nothing left to do."""
        with self._changed:
            self._state = State.IDLE
        self.worker.post(Start())
        self._wait()

    def _wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._state in AT_REST)

    def _hear(self, message: Message) -> None:
        if isinstance(message, StateChanged):
            with self._changed:
                self._state = message.state
                self._changed.notify_all()


def _strokes(proposal: Proposal, truth: np.ndarray) -> tuple[int, ...]:
    """Return how many clicks a proposal needs to reach each target, `CLICKS` where it does not."""
    robot, mask, needed = CarefulRobot(truth), proposal.mask, [CLICKS] * len(TARGETS)
    for clicks in range(CLICKS + 1):
        iou = object_iou(mask, truth)
        needed = [
            min(known, clicks) if iou >= target else known
            for known, target in zip(needed, TARGETS, strict=True)
        ]
        if iou >= TARGETS[-1] or clicks == CLICKS or robot.click(mask, CLICKS - clicks) is None:
            break
        mask = proposal.refine(robot.corrections)
    return tuple(needed)
