"""A simulated annotator: how many clicks until the mask is right (RITM's protocol)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from trainer.data.classes import UNTOUCHED, VOID, ClassList
from trainer.data.images import load_image, load_mask
from trainer.data.source import Source
from trainer.engine import Engine
from trainer.errors import DataError
from trainer.progress import NullReporter, Reporter

TARGETS = (0.85, 0.90)
"""The IoUs of NoC@85 and NoC@90."""


@dataclass(frozen=True)
class Click:
    """A disc of `radius` pixels around (y, x) painted as class `label`."""

    y: int
    x: int
    radius: int
    label: int

    def paint(self, corrections: np.ndarray) -> None:
        """Paint the disc into a uint8 H×W correction layer, in place."""
        top, left = max(0, self.y - self.radius), max(0, self.x - self.radius)
        window = corrections[top : self.y + self.radius + 1, left : self.x + self.radius + 1]
        rows, columns = np.ogrid[: window.shape[0], : window.shape[1]]
        disc = (rows + top - self.y) ** 2 + (columns + left - self.x) ** 2 <= self.radius**2
        window[disc] = self.label


@dataclass(frozen=True)
class Course:
    """How one image went: `ious[n]` is the IoU after n clicks, `ious[0]` that of the first proposal."""

    image: str
    ious: tuple[float, ...]

    def clicks_to(self, target: float, max_clicks: int) -> int:
        """Clicks until IoU ≥ `target`, 0 when the proposal was there already, `max_clicks` if never."""
        return next((clicks for clicks, iou in enumerate(self.ious) if iou >= target), max_clicks)


@dataclass(frozen=True)
class Simulation:
    """The courses of all images of a set."""

    courses: tuple[Course, ...]
    max_clicks: int

    def noc(self, target: float) -> float:
        """Mean number of clicks to `target` over the images (NoC@target)."""
        return float(np.mean([course.clicks_to(target, self.max_clicks) for course in self.courses]))

    def failures(self, target: float) -> int:
        """Number of images that never reached `target`."""
        return sum(max(course.ious) < target for course in self.courses)

    def iou(self, clicks: int) -> float:
        """Mean IoU over the images after `clicks` clicks; one that was done earlier keeps its last IoU."""
        return float(np.mean([course.ious[min(clicks, len(course.ious) - 1)] for course in self.courses]))

    def to_json(self) -> dict[str, Any]:
        """Figures and courses as plain data."""
        return {
            "images": len(self.courses),
            "max_clicks": self.max_clicks,
            **{f"noc@{round(100 * target)}": self.noc(target) for target in TARGETS},
            **{f"failed@{round(100 * target)}": self.failures(target) for target in TARGETS},
            "iou_after": [self.iou(clicks) for clicks in range(self.max_clicks + 1)],
            "courses": [asdict(course) for course in self.courses],
        }


def object_iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """Mean IoU in [0, 1] over the object classes of `truth` (uint8 H×W; 255 is left out).

    With a single object this is the IoU of RITM's protocol. Without any object, background's IoU.
    """
    known = truth != VOID
    classes = [label for label in np.unique(truth[known]) if label] or [0]
    ious = []
    for label in classes:
        predicted, true = (mask == label) & known, truth == label
        union = np.count_nonzero(predicted | true)
        ious.append(np.count_nonzero(predicted & true) / union if union else 1.0)
    return float(np.mean(ious))


def next_click(mask: np.ndarray, truth: np.ndarray, corrections: np.ndarray, radius: int = 5) -> Click | None:
    """Return the click a careful annotator makes next, or None when nothing is left to click.

    Each true class has its area of false negatives (for two classes: RITM's false negatives and false
    positives). The click goes to the point deepest inside any of them, by the distance transform of the area
    padded by one pixel. Void (255) and pixels painted before are in no area.

    Args:
        mask, truth: uint8 H×W.
        corrections: uint8 H×W, what was painted before; 255 untouched.
        radius: brush size in pixels; the disc painted is smaller where it would leave the area.
    """
    wrong = (mask != truth) & (truth != VOID) & (corrections == UNTOUCHED)
    best: Click | None = None
    depth_of_best = 0.0
    for label in np.unique(truth[wrong]):
        depth = ndimage.distance_transform_edt(np.pad(wrong & (truth == label), 1))[1:-1, 1:-1]
        y, x = np.unravel_index(np.argmax(depth), depth.shape)
        if depth[y, x] > depth_of_best:
            depth_of_best = float(depth[y, x])
            # A distance d to the nearest pixel outside leaves room for a disc of radius < d.
            best = Click(int(y), int(x), min(radius, int(np.ceil(depth_of_best)) - 1), int(label))
    return best


def annotate(
    engine: Engine, image: np.ndarray, truth: np.ndarray, max_clicks: int = 20, stop_at: float = max(TARGETS)
) -> Iterator[float]:
    """Yield the object IoU of the proposal, then after each click, until `stop_at` or `max_clicks`.

    Args:
        engine: proposes once; the clicks only refine.
        image: uint8 H×W×3.
        truth: uint8 H×W; its classes are the image's tags.
        max_clicks: give up after so many.
        stop_at: IoU at which the annotator is content.
    """
    tags = [int(label) for label in np.unique(truth) if label not in (0, VOID)]
    proposal = engine.propose(image, tags)
    corrections = np.full(truth.shape, UNTOUCHED, np.uint8)
    mask = proposal.mask
    yield (iou := object_iou(mask, truth))
    for _ in range(max_clicks):
        click = next_click(mask, truth, corrections) if iou < stop_at else None
        if click is None:
            return
        click.paint(corrections)
        mask = proposal.refine(corrections)
        yield (iou := object_iou(mask, truth))


def simulate(
    engine: Engine, source: Source, max_clicks: int = 20, report: Reporter | None = None
) -> Simulation:
    """Annotate every image of `source` that has a truth mask, and return how it went.

    Raises DataError when there is none, or when the source's classes are not the engine's.
    """
    items = [item for item in source.items if item.truth_path is not None]
    if not items:
        raise DataError(f"{source.root} has no SegmentationClass masks for the robot to annotate against.")
    _same_classes(source.classes, engine.models.classes, source)
    courses = []
    with (report or NullReporter()).stage("simulate", len(items)) as stage:
        for item in items:
            assert item.truth_path is not None
            image, truth = load_image(item.image_path), load_mask(item.truth_path)
            if image.shape[:2] != truth.shape:
                raise DataError(f"{item.truth_path} is not of its image's size; export it again.")
            courses.append(Course(item.id, tuple(annotate(engine, image, truth, max_clicks))))
            stage.advance()
    return Simulation(tuple(courses), max_clicks)


def _same_classes(of_source: ClassList, of_engine: ClassList, source: Source) -> None:
    if of_source.names != of_engine.names:
        raise DataError(
            f"{source.root} has other classes than the model; choose a model trained on its classes."
        )
