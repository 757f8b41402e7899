"""The protocols: what is annotated from what beginning on, by which robot, on all photos of a set."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trainer.data.classes import BACKGROUND, VOID, ClassList, labels_in
from trainer.data.masks import NO_CLASS, OBJECT
from trainer.errors import DataError, UserError
from trainer.evaluation import object_iou
from trainer.progress import NullReporter, Reporter
from trainer.robot import OURS, ProtocolName
from trainer.robot.clicks import CarefulRobot, UnsteadyRobot
from trainer.robot.methods import Method
from trainer.robot.photos import PhotoSet
from trainer.robot.record import CourseRecord
from trainer.robot.scores import Course, Simulation


@dataclass(frozen=True)
class Protocol:
    """How photos are annotated.

    Attributes:
        name: its name.
        clicks: clicks on a photo after which it is given up, unless another number is asked for.
        proposed: from the proposal of all classes of the photo on; else from an empty mask, each class of the
            photo in turn as an object of an unknown class, all others being background.
        steady: by the careful robot; else by the unsteady one.
    """

    name: ProtocolName
    clicks: int
    proposed: bool
    steady: bool

    def classes(self, of_photos: ClassList) -> ClassList:
        """Return the classes that the engine needs for photos of these classes."""
        return of_photos if self.proposed else ClassList((OBJECT,))


PROTOCOLS: dict[ProtocolName, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("clicks", clicks=20, proposed=False, steady=True),
        Protocol("proposal", clicks=10, proposed=True, steady=True),
        Protocol("noisy", clicks=10, proposed=True, steady=False),
    )
}


class Task(NamedTuple):
    """What is annotated in one go.

    `target` names the class where it is one of several; `classes` are those that the method knows of; `truth`
    is uint8 H×W in their ids, 255 void.
    """

    image: str
    target: str | None
    classes: tuple[str, ...]
    truth: np.ndarray


def tasks(protocol: Protocol, image: str, truth: np.ndarray, classes: ClassList) -> Iterator[Task]:
    """Yield what the protocol has annotated in a photo of labels `truth` (uint8 H×W, ids of `classes`)."""
    labels = [label for label in labels_in(truth) if label not in (BACKGROUND, VOID)]
    if protocol.proposed:
        yield Task(image, None, tuple(map(classes.name_of, labels)), truth)
        return
    for label in labels:
        alone = np.where(truth == VOID, VOID, truth == label).astype(np.uint8)
        yield Task(image, classes.name_of(label), (OBJECT,), alone)


def annotate(
    method: Method, image: np.ndarray, task: Task, robot: CarefulRobot, clicks: int, proposed: bool
) -> Course:
    """Let the robot annotate with `clicks` clicks, fewer only where no error is left to click.

    Args:
        method: answers.
        image: uint8 H×W×3.
        task: what is annotated.
        robot: made for the task's truth; nothing is painted yet.
        clicks: number of clicks.
        proposed: begin with the method's own mask; else with an empty one.
    """
    begun = time.perf_counter()
    mask = method.start(image, task.classes)
    start_seconds = time.perf_counter() - begun
    if not proposed:
        mask = np.zeros_like(mask)
    ious, made, seconds = [object_iou(mask, task.truth)], [], []
    for left in range(clicks, 0, -1):
        click = robot.click(mask, left)
        if click is None:
            break
        corrections = robot.corrections.copy()
        begun = time.perf_counter()
        mask = method.refine(corrections)
        seconds.append(time.perf_counter() - begun)
        made.append(click)
        ious.append(object_iou(mask, task.truth))
    return Course(task.image, task.target, tuple(ious), tuple(made), tuple(seconds), start_seconds)


def simulate(
    methods: Sequence[Method],
    photos: PhotoSet,
    protocol: Protocol,
    clicks: int | None = None,
    seed: int = 0,
    report: Reporter | None = None,
    record: CourseRecord | None = None,
) -> tuple[list[Simulation], list[str]]:
    """Annotate every photo with every method; return how it went, and sentences on photos left out.

    `clicks` on a photo are the protocol's unless given. The unsteady robot's chance depends on `seed` and the
    photo's id alone. Courses that `record` holds are taken from it; all others are added to it. Raises
    UserError for a method that makes no proposals where the protocol starts from them, and DataError where no
    photo can be annotated or the record cannot be written.
    """
    if protocol.proposed and (others := [method.name for method in methods if method.name != OURS]):
        raise UserError(f"{others[0]} makes no proposals to start from; compare it by the protocol clicks")
    clicks = protocol.clicks if clicks is None else clicks
    courses: list[list[Course]] = [[] for _ in methods]
    problems: list[str] = []
    shown = False
    begun = frozenset[str]() if record is None else record.images
    with (report or NullReporter()).stage("simulate", len(photos.photos), len(begun)) as stage:
        for photo in photos.photos:
            try:
                image, truth = photo.load(photos.classes)
            except DataError as error:
                problems.append(str(error))
            else:
                for task in tasks(protocol, photo.id, truth, photos.classes):
                    shown |= bool(task.classes)
                    for method, of_method in zip(methods, courses, strict=True):
                        course = None if record is None else record.course(method.name, photo.id, task.target)
                        if course is None:
                            robot = _robot(protocol, task, seed)
                            course = annotate(method, image, task, robot, clicks, protocol.proposed)
                            if record is not None:
                                record.add(method.name, course)
                        of_method.append(course)
            if photo.id not in begun:
                stage.advance(note=photo.id)
    if not shown:
        raise DataError(problems[0] if problems else f"no photo of {photos.root} shows an object; {NO_CLASS}")
    return [
        Simulation(method.name, tuple(of_method), clicks)
        for method, of_method in zip(methods, courses, strict=True)
    ], problems


def _robot(protocol: Protocol, task: Task, seed: int) -> CarefulRobot:
    if protocol.steady:
        return CarefulRobot(task.truth)
    return UnsteadyRobot(task.truth, np.random.default_rng([seed, zlib.crc32(task.image.encode())]))
