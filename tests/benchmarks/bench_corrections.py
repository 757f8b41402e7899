"""Corrections on the desk: how soon they pay, and whether the desk stays smooth while it learns from them."""

from __future__ import annotations

import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QTimer

from annotator.boxes import Box
from annotator.session import Session
from annotator.session.order import urgency
from tests.benchmarks.bench_desk import desk, promised, settle, wait
from tests.benchmarks.harness import SHARED, Result, in_new_process, skipped
from tests.benchmarks.stalls import Stalls
from trainer.data.project import Status
from trainer.evaluation import object_iou
from trainer.robot.clicks import CarefulRobot
from trainer.robot.photos import Photo, open_photos
from trainer.worker.finetuning import LEAST_PHOTOS
from trainer.worker.messages import Promoted

DATA = SHARED / "data" / "msrc"
STEP, DRAWS = 5, 2
"""Every fifth photo is in the project: from the first one on in the first draw, from the second one …"""
CLICKS, GOOD = 8, 0.9
"""A photo is accepted from this IoU on, or after so many clicks."""
EVERY_MS = 2000
"""A person goes on to correct while the trainer learns: one stroke in so long."""
PATIENCE = 150.0
"""Seconds after which nothing is waited for any more."""


Stroke = tuple[Box, np.ndarray]
"""Where it is, and what it paints there."""


class Taught(NamedTuple):
    """Seconds from the last photo accepted to the first promotion, and the event loop's gaps meanwhile in
    milliseconds; what ran in the longest one.
    """

    seconds: float
    gaps: list[float]
    worst: str


class Annotator:
    """Corrects photos on the desk as the robot does that knows their true masks."""

    def __init__(self, session: Session, photos: dict[str, Photo]) -> None:
        self._session, self._photos = session, photos
        self._robot: CarefulRobot | None = None
        session.image_changed.connect(self._take_up)

    def _take_up(self, image: str) -> None:
        truth = self._photos[image].load(self._session.classes)[1]
        self._robot, self._left = CarefulRobot(truth), CLICKS

    def correct(self, image: str) -> None:
        """Open a photo, correct it, accept it."""
        session = self._session
        session.open_image(image)
        wait(lambda: session.image_id == image)
        settle(session)
        while (stroke := self._think()) is not None:
            self._paint(stroke)
            settle(session)
        session.acceptance.accept()
        wait(lambda: session.records[image].status is Status.ACCEPTED)

    def go_on(self) -> None:
        """Make one more stroke on the open photo; where to is found out behind, for a person is no load."""
        if self._robot is not None and self._session.mask is not None:
            self._session.jobs.submit(self._think, self._paint)

    def _think(self) -> Stroke | None:
        """Return a stroke where the mask is most wrong; None where the photo is good enough."""
        mask, robot = self._session.mask, self._robot
        assert mask is not None and robot is not None
        before = robot.corrections.copy()
        if not self._left or object_iou(mask, robot.truth) >= GOOD or robot.click(mask, self._left) is None:
            return None
        self._left -= 1
        rows, columns = np.nonzero(before != robot.corrections)
        if not len(rows):
            return None
        box = int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1
        return box, robot.corrections[box[0] : box[2], box[1] : box[3]].copy()

    def _paint(self, stroke: Stroke | None) -> None:
        if stroke is not None:
            self._session.strokes.commit(*stroke, "brush")


def most_useful(session: Session) -> str:
    """The photo that is suggested next."""
    left = [record for record in session.records.values() if record.status is not Status.ACCEPTED]
    return min(left, key=urgency).id


def teach(draw: int) -> Taught:
    """Correct photos of one draw in the suggested order, with the bundled models, until it has paid."""
    photos = {photo.id: photo for photo in open_photos(DATA).photos[draw::STEP]}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        folder.mkdir()
        shutil.copy(DATA / "tags.csv", folder)
        for photo in photos.values():
            shutil.copy(photo.image_path, folder)
        window = desk(folder, models=True)
        session = window.session
        settle(session)
        session.propose_all.start()
        wait(lambda: not session.propose_all.running)
        annotator = Annotator(session, photos)
        promoted: list[float] = []

        def hear(message: object) -> None:
            if isinstance(message, Promoted):
                promoted.append(time.perf_counter())

        session.trainer_message.connect(hear)
        for _ in range(LEAST_PHOTOS):
            annotator.correct(most_useful(session))
        start = time.perf_counter()
        session.open_image(most_useful(session))
        going_on = QTimer(interval=EVERY_MS)
        going_on.timeout.connect(annotator.go_on)
        going_on.start()
        stalls = Stalls()
        stalls.start()
        wait(lambda: bool(promoted) or time.perf_counter() > start + PATIENCE)
        stalls.stop()
        going_on.stop()
        window.close()
        return Taught((promoted or [np.inf])[0] - start, stalls.gaps, stalls.tell_worst())


def run() -> list[Result]:
    """Measure on real photos, each draw in a process of its own."""
    name = f"{LEAST_PHOTOS} accepted photos to the first promotion"
    if not DATA.is_dir():
        return [skipped(name, "needs the photos in ../shared")]
    taught = [in_new_process(partial(teach, draw))[0] for draw in range(DRAWS)]
    seconds = [one.seconds for one in taught]
    gaps = [gap for one in taught for gap in one.gaps]
    print("Worst stall while learning from corrections:", max(taught, key=lambda one: max(one.gaps)).worst)
    each = ", ".join(f"{one:.0f}" for one in seconds) + " s"
    return [
        promised(f"{name}, worst draw", max(seconds), "s", 60, each),
        promised("stall of the event loop meanwhile, p99", float(np.percentile(gaps, 99)), "ms", 16),
        promised("stall of the event loop meanwhile, worst", max(gaps), "ms", 50),
    ]
