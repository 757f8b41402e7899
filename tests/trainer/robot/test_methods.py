"""The methods that others have published, on a photo where the answer is plain."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from trainer.errors import UserError
from trainer.robot.methods import GrabCut, Method, RandomWalker


@pytest.fixture
def photo(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A bright square on a dark ground, both a little noisy, and its mask."""
    truth = np.zeros((48, 64), np.uint8)
    truth[12:36, 16:48] = 1
    return (40 + 150 * truth[..., None] + rng.integers(0, 5, (48, 64, 3))).astype(np.uint8), truth


def untouched(truth: np.ndarray) -> np.ndarray:
    return np.full(truth.shape, 255, np.uint8)


def answers(method: Method, photo: tuple[np.ndarray, np.ndarray]) -> None:
    """Expect nothing before any click, the object after one on each side, and clicks obeyed."""
    image, truth = photo
    assert not method.start(image, ("object",)).any()
    corrections = untouched(truth)
    corrections[20:28, 28:36] = 1
    corrections[2:6, 2:10] = 0
    mask = method.refine(corrections)
    assert mask.dtype == np.uint8 and (mask == truth).mean() > 0.98
    corrections[22:26, 30:34] = 0
    assert not method.refine(corrections)[22:26, 30:34].any()


def test_the_random_walker_finds_the_object(photo: tuple[np.ndarray, np.ndarray]) -> None:
    method = RandomWalker()
    answers(method, photo)
    only = untouched(photo[1])
    assert not method.refine(only).any()
    only[20:24, 30:34] = 1
    assert (method.refine(only) == 1).all()


def test_grabcut_finds_the_object(photo: tuple[np.ndarray, np.ndarray]) -> None:
    pytest.importorskip("cv2", reason="needs OpenCV, of the extra 'bench'")
    method = GrabCut()
    answers(method, photo)
    assert not method.refine(untouched(photo[1])).any()


def test_without_opencv_grabcut_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match="opencv"):
        GrabCut()
