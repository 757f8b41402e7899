"""Where the simulated annotator clicks and what it paints: RITM's careful robot, and an unsteady one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from trainer.data.classes import UNTOUCHED, VOID

RADIUS = 5
"""Radius of the disc that a click paints, in pixels."""
SPILL = 3
"""How far the unsteady robot's discs reach over the edge of their class, in pixels."""
OFF_CENTRE = 0.5
"""The unsteady robot clicks where an error is at least so deep, as a part of its greatest depth."""
SLIPS = 0.1
"""Share of the unsteady robot's clicks that are wrong, and corrected by the next one."""


class Click(NamedTuple):
    """A disc painted around (y, x) as class `label`; `wrong` where the truth is another there."""

    y: int
    x: int
    label: int
    wrong: bool = False


class Error(NamedTuple):
    """The deepest error of a mask: its deepest point, the true class there, and the depths float64 H×W of
    all errors of that class.
    """

    y: int
    x: int
    label: int
    depth: np.ndarray


def deepest_error(mask: np.ndarray, truth: np.ndarray, clicked: np.ndarray) -> Error | None:
    """Return where the mask is wrong most deeply, or None where nothing is left to click.

    Each true class has its area of false negatives; for one object and background these are the false
    negatives and the false positives of RITM (Sofiiuk et al. 2021). An area is padded by one pixel and its
    exact Euclidean distance transform taken; the deepest point is the first in row-major order. Of equally
    deep areas the class of the lower id wins, so that a click is positive only where the false negatives are
    strictly deeper.

    Args:
        mask: uint8 H×W.
        truth: uint8 H×W; void (255) is no error.
        clicked: bool H×W, the points clicked before; they have depth 0.
    """
    wrong = (mask != truth) & (truth != VOID)
    deepest: Error | None = None
    for label in np.unique(truth[wrong]):
        depth = ndimage.distance_transform_edt(np.pad(wrong & (truth == label), 1))[1:-1, 1:-1]
        depth[clicked] = 0
        y, x = np.unravel_index(np.argmax(depth), depth.shape)
        if depth[y, x] > (0 if deepest is None else deepest.depth[deepest.y, deepest.x]):
            deepest = Error(int(y), int(x), int(label), depth)
    return deepest


class CarefulRobot:
    """RITM's annotator: clicks the deepest point, paints a disc cut to the pixels of the true class there.

    `corrections` is what it has painted: uint8 H×W, 255 untouched.
    """

    def __init__(self, truth: np.ndarray) -> None:
        """Begin with nothing painted; `truth` is uint8 H×W, 255 void."""
        self.truth = truth
        self.corrections = np.full(truth.shape, UNTOUCHED, np.uint8)
        self._clicked = np.zeros(truth.shape, bool)

    def click(self, mask: np.ndarray, left: int) -> Click | None:
        """Paint the next click on what is wrong in `mask` (uint8 H×W); None where nothing is left to click.

        `left` is how many clicks it may make, this one included.
        """
        error = self._error(mask)
        return None if error is None else self._paint(Click(error.y, error.x, error.label))

    def _error(self, mask: np.ndarray) -> Error | None:
        return deepest_error(mask, self.truth, self._clicked)

    def _paint(self, click: Click, reach: int = 0) -> Click:
        """Paint a click's disc within `reach` pixels of the class that is true at its centre."""
        true_class = self.truth == self.truth[click.y, click.x]
        rows, columns = np.ogrid[: true_class.shape[0], : true_class.shape[1]]
        disc = (rows - click.y) ** 2 + (columns - click.x) ** 2 <= RADIUS**2
        self.corrections[disc & within(true_class, reach)] = click.label
        self._clicked[click.y, click.x] = True
        return click


class UnsteadyRobot(CarefulRobot):
    """An annotator in a hurry; seeded, so that the same masks get the same clicks.

    It clicks somewhere in the deepest error, not in its middle (`OFF_CENTRE`), and its discs spill over the
    edge of their class (`SPILL`), into void as well. One click in ten (`SLIPS`) is wrong: it paints the class
    that it means at a random place of another one. The click after it paints the same pixels with the class
    that is true there. The last click is never a wrong one.
    """

    def __init__(self, truth: np.ndarray, generator: np.random.Generator) -> None:
        """Begin with nothing painted; see `CarefulRobot`."""
        super().__init__(truth)
        self._generator = generator
        self._slip: Click | None = None

    def click(self, mask: np.ndarray, left: int) -> Click | None:
        """See `CarefulRobot.click`."""
        if self._slip is not None:
            slip, self._slip = self._slip, None
            return self._paint(Click(slip.y, slip.x, int(self.truth[slip.y, slip.x])), SPILL)
        error = self._error(mask)
        if error is None:
            return None
        others = np.argwhere((self.truth != error.label) & (self.truth != VOID))
        if self._generator.random() < SLIPS and left > 1 and len(others):
            y, x = map(int, self._generator.choice(others))
            self._slip = Click(y, x, error.label, wrong=True)
            return self._paint(self._slip, SPILL)
        y, x = map(int, self._generator.choice(off_centre(error)))
        return self._paint(Click(y, x, error.label), SPILL)


def off_centre(error: Error) -> np.ndarray:
    """Return the points N×2 (row, column) of the error's connected area that are deep enough to click."""
    areas, _ = ndimage.label(error.depth > 0)
    here = areas == areas[error.y, error.x]
    return np.argwhere(here & (error.depth >= OFF_CENTRE * error.depth[error.y, error.x]))


def within(area: np.ndarray, reach: int) -> np.ndarray:
    """Return the pixels (bool H×W) that are at most `reach` pixels from an area that is not empty."""
    return area if reach == 0 else ndimage.distance_transform_edt(~area) <= reach
