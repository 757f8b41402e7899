"""What answers the robot's clicks: the program's own engine, and two methods that others have published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.segmentation import random_walker

from trainer.data.classes import BACKGROUND, UNTOUCHED
from trainer.engine import Engine
from trainer.errors import UserError
from trainer.robot import GRABCUT, OURS, RANDOM_WALKER


class Method(Protocol):
    """Answers corrections with masks, one photo at a time."""

    name: str

    def start(self, image: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """Take up a uint8 H×W×3 image that shows `classes`; return its mask uint8 H×W before any click."""

    def refine(self, corrections: np.ndarray) -> np.ndarray:
        """Return the mask uint8 H×W that obeys all `corrections` (uint8 H×W, 255 untouched) so far."""


class Ours:
    """The engine: it proposes once, and the clicks refine the proposal."""

    name = OURS

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, image: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """See `Method.start`."""
        self._proposal = self._engine.propose(image, classes)
        return self._proposal.mask

    def refine(self, corrections: np.ndarray) -> np.ndarray:
        """See `Method.refine`."""
        return self._proposal.refine(corrections)


class RandomWalker:
    """scikit-image's random walker (Grady 2006) on CIELAB / 100, solved exactly, from nothing.

    Mode 'bf' (sparse LU): at these sizes it is faster than conjugate gradients, which stop short of the
    solution where β is large enough to segment well.
    """

    name = RANDOM_WALKER
    beta = 10_000

    def start(self, image: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """See `Method.start`."""
        self._lab = rgb2lab(image) / 100
        return np.zeros(image.shape[:2], np.uint8)

    def refine(self, corrections: np.ndarray) -> np.ndarray:
        """See `Method.refine`."""
        painted = _painted(corrections)
        if len(painted) < 2:
            return np.full(corrections.shape, painted[0] if len(painted) else BACKGROUND, np.uint8)
        # Its labels count from 1; 0 is untouched.
        seeds = np.zeros(corrections.shape, np.int32)
        for index, label in enumerate(painted, start=1):
            seeds[corrections == label] = index
        walked = random_walker(self._lab, seeds, beta=self.beta, mode="bf", channel_axis=-1)
        return painted[walked - 1]


class GrabCut:
    """OpenCV's GrabCut (Rother et al. 2004) of one object, from the corrections alone after every click.

    An untouched pixel starts as probable object where its nearest correction is the object's and lies within
    `reach` times the shorter side of the image, and as probable background elsewhere. So one click already
    gives an answer.

    Raises UserError where OpenCV is not installed.
    """

    name = GRABCUT
    reach = 0.25
    iterations = 2

    def __init__(self) -> None:
        self._cv2 = _opencv()
        self._cv2.setNumThreads(torch.get_num_threads())

    def start(self, image: np.ndarray, classes: Sequence[str]) -> np.ndarray:
        """See `Method.start`."""
        self._bgr = np.ascontiguousarray(image[..., ::-1])
        return np.zeros(image.shape[:2], np.uint8)

    def refine(self, corrections: np.ndarray) -> np.ndarray:
        """See `Method.refine`; the object is class 1."""
        cv2 = self._cv2
        wanted, unwanted = corrections == 1, corrections == BACKGROUND
        probable = np.zeros(corrections.shape, bool)
        if wanted.any():
            distance = ndimage.distance_transform_edt(~wanted)
            probable = distance <= self.reach * min(corrections.shape)
            if unwanted.any():
                probable &= distance < ndimage.distance_transform_edt(~unwanted)
        mask = np.where(probable, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        mask[wanted], mask[unwanted] = cv2.GC_FGD, cv2.GC_BGD
        inside = np.count_nonzero(mask & 1)
        # Each of the two colour models needs as many pixels as it has components.
        if min(inside, mask.size - inside) >= 5:
            models = np.zeros((1, 65)), np.zeros((1, 65))
            cv2.setRNGSeed(0)
            cv2.grabCut(self._bgr, mask, None, *models, self.iterations, cv2.GC_INIT_WITH_MASK)
        return mask & 1  # the odd values are the object's


def _painted(corrections: np.ndarray) -> np.ndarray:
    labels = np.unique(corrections)
    return labels[labels != UNTOUCHED]


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise UserError(
            "GrabCut needs OpenCV, which is not installed; run pip install opencv-python-headless"
        ) from None
    return cv2
