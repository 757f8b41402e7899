"""Scores of simulated annotations: numbers of clicks, failures, IoUs, drops, and how sure a difference is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from trainer.robot.clicks import Click

TARGETS = (0.85, 0.90)
"""The IoUs of NoC@85 and NoC@90."""
DROP = 0.05
"""A fall of the IoU that counts as a drop."""
RESAMPLES = 2_000
"""Draws of the bootstrap."""


@dataclass(frozen=True)
class Course:
    """How one photo went, or one object of it.

    Attributes:
        image: id of the photo.
        target: name of the class that was annotated; None for all of the photo's at once.
        ious: IoU before any click, then after each.
        clicks: the clicks.
        seconds: wall-clock time of the answer to each click.
        start_seconds: wall-clock time of what precedes the first click: the proposal.
    """

    image: str
    target: str | None
    ious: tuple[float, ...]
    clicks: tuple[Click, ...]
    seconds: tuple[float, ...]
    start_seconds: float

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Course:
        """Return the course of plain data as `to_json` gives it; raises KeyError, TypeError, ValueError."""
        ious, clicks, seconds = entry["ious"], entry["clicks"], entry["seconds"]
        if not len(ious) == 1 + len(clicks) == 1 + len(seconds):
            raise ValueError("numbers of clicks, IoUs and times do not go together")
        return cls(
            str(entry["image"]),
            entry["object"],
            tuple(map(float, ious)),
            tuple(Click(**click) for click in clicks),
            tuple(map(float, seconds)),
            float(entry["start_seconds"]),
        )

    def iou(self, clicks: int) -> float:
        """Return the IoU after `clicks` clicks; where it was done earlier, the last one."""
        return self.ious[min(clicks, len(self.ious) - 1)]

    def clicks_to(self, target: float, max_clicks: int) -> int:
        """Return the first number of clicks after which IoU ≥ `target`, `max_clicks` where there is none."""
        return next((clicks for clicks, iou in enumerate(self.ious) if iou >= target), max_clicks)

    def drops(self) -> int:
        """Return after how many right clicks IoU is lower by more than `DROP` than it was after the right
        click before (or the start): a wrong click that is corrected leaves the mask where it was.
        """
        right = [0, *(n for n, click in enumerate(self.clicks, start=1) if not click.wrong)]
        ious = np.array(self.ious)[right]
        return int(np.count_nonzero(np.diff(ious) < -DROP))

    def right_clicks(self) -> int:
        """Return how many clicks were not wrong."""
        return sum(not click.wrong for click in self.clicks)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "image": self.image,
            "object": self.target,
            "ious": list(self.ious),
            "clicks": [click._asdict() for click in self.clicks],
            "seconds": list(self.seconds),
            "start_seconds": self.start_seconds,
        }


class Ratio(NamedTuple):
    """A figure as a ratio of two sums over courses, with the terms of both; a mean counts one for each."""

    above: np.ndarray
    below: np.ndarray

    @property
    def value(self) -> float:
        """The figure; 0 of nothing."""
        total = float(self.below.sum())
        return float(self.above.sum()) / total if total else 0.0


class Interval(NamedTuple):
    """A difference with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Simulation:
    """The courses of one method, of all photos of a set."""

    method: str
    courses: tuple[Course, ...]
    max_clicks: int

    def ratios(self) -> dict[str, Ratio]:
        """Return the figures by name, as in `to_json`, the terms of each course beside them.

        `noc@T` is the mean number of clicks to an IoU of T, `max_clicks` for a course that never got there;
        `failed@T` the share of those; `iou@N` the mean IoU after N clicks; `drops` the share of right clicks
        after which IoU had fallen (`Course.drops`).
        """
        courses, one = self.courses, np.ones(len(self.courses))
        terms: dict[str, Sequence[float]] = {}
        for target in TARGETS:
            percent = round(100 * target)
            terms[f"noc@{percent}"] = [course.clicks_to(target, self.max_clicks) for course in courses]
            terms[f"failed@{percent}"] = [max(course.ious) < target for course in courses]
        for clicks in range(self.max_clicks + 1):
            terms[f"iou@{clicks}"] = [course.iou(clicks) for course in courses]
        ratios = {name: Ratio(np.array(values, float), one) for name, values in terms.items()}
        drops, right = zip(*((course.drops(), course.right_clicks()) for course in courses), strict=True)
        return ratios | {"drops": Ratio(np.array(drops, float), np.array(right, float))}

    def figures(self) -> dict[str, float]:
        """Return the figures by name, see `ratios`."""
        return {name: ratio.value for name, ratio in self.ratios().items()}

    @property
    def images(self) -> int:
        """Number of photos."""
        return len({course.image for course in self.courses})

    def seconds_per_click(self) -> float:
        """Return the median time of an answer; 0 where no click was made."""
        return _median([seconds for course in self.courses for seconds in course.seconds])

    def to_json(self) -> dict[str, Any]:
        """Return figures and courses as plain data: shares in [0, 1], `iou_after[n]` after n clicks."""
        figures = self.figures()
        return {
            "method": self.method,
            "images": self.images,
            "objects": len(self.courses),
            "max_clicks": self.max_clicks,
            **{name: value for name, value in figures.items() if not name.startswith("iou@")},
            "iou_after": [figures[f"iou@{clicks}"] for clicks in range(self.max_clicks + 1)],
            "seconds_per_click": self.seconds_per_click(),
            "seconds_per_start": _median([course.start_seconds for course in self.courses]),
            "courses": [course.to_json() for course in self.courses],
        }


def differences(first: Simulation, other: Simulation, seed: int = 0) -> dict[str, Interval]:
    """Return `other` minus `first` for each figure, with its paired 95 % bootstrap interval.

    Photos are drawn with replacement, the same ones for both methods; the objects of a photo go with it.
    Both simulations have the same courses in the same order.
    """
    _, photo = np.unique([course.image for course in first.courses], return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, photo.max() + 1, (RESAMPLES, photo.max() + 1))

    def resampled(ratio: Ratio) -> np.ndarray:
        above, below = (np.bincount(photo, terms)[drawn].sum(axis=1) for terms in ratio)
        return np.divide(above, below, out=np.zeros(RESAMPLES), where=below > 0)

    others = other.ratios()
    intervals = {}
    for name, ratio in first.ratios().items():
        low, high = np.percentile(resampled(others[name]) - resampled(ratio), (2.5, 97.5))
        intervals[name] = Interval(others[name].value - ratio.value, float(low), float(high))
    return intervals


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else 0.0
