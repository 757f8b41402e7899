from collections.abc import Callable

import numpy as np
import pytest
import torch

from trainer.method.calibration import (
    LARGEST,
    RANGE,
    AlphaSearch,
    bound_warning,
    refined_cover,
    sample,
    walked_cover,
)
from trainer.method.settings import COVERAGE, Settings


def _search(mean_cover: Callable[[float], float], coverage: float = COVERAGE) -> AlphaSearch:
    search = AlphaSearch(coverage)
    while not search.done:
        search.tell(mean_cover(search.candidate))
    return search


def _found(mean_cover: Callable[[float], float], coverage: float = COVERAGE) -> float:
    return _search(mean_cover, coverage).alpha


@pytest.mark.parametrize("true", [0.5, 1.3, 4.0, 7.9, 16.0, 24.0])
def test_the_smallest_alpha_that_covers_enough_is_found(true: float) -> None:
    search = _search(lambda alpha: COVERAGE + (alpha - true))
    assert search.alpha == pytest.approx(true, rel=0.07) and search.bound is None


def test_another_coverage_gives_another_alpha() -> None:
    assert _found(lambda alpha: alpha / 10, 0.1) == pytest.approx(1.0, rel=0.07)
    assert _found(lambda alpha: alpha / 10, 0.4) == pytest.approx(4.0, rel=0.07)


def test_a_curve_that_never_or_always_covers_enough_ends_at_the_range_and_says_so() -> None:
    never, always = _search(lambda alpha: 0.0), _search(lambda alpha: 1.0)
    assert (never.alpha, never.bound) == (LARGEST, "largest")
    assert always.alpha == pytest.approx(RANGE[0], rel=0.07) and always.bound == "smallest"
    assert "largest value, 32" in bound_warning("walk alpha", never.alpha, "largest", 0.27)


def test_cover_is_the_share_of_foreground_after_the_crf() -> None:
    cams = np.zeros((1, 4, 4), np.float32)
    cams[0, :, :2] = 1
    lost = np.zeros((2, 4, 4), np.float32)
    lost[0] = 1
    lost[:, :2, :2] = [[[0.0]], [[1.0]]]
    assert refined_cover(cams, lambda scores: scores)(1.0) == 0.5
    assert refined_cover(cams, lambda scores: lost)(1.0) == 0.25
    assert refined_cover(np.zeros_like(cams), lambda scores: scores)(1.0) == 0


def test_a_walk_covers_what_it_reaches() -> None:
    """Where all cells are alike, a long walk mixes all cells: all foreground, or none."""
    cams = np.full((1, 64, 64), 0.4, np.float32)
    cams[0, :32] = 0.9
    alike = torch.zeros(4, 8, 8)
    assert walked_cover(cams, alike, Settings(steps=0))(1.0) == 0.5
    assert walked_cover(cams, alike, Settings(steps=500))(1.0) == 1
    assert walked_cover(cams, alike, Settings(steps=500))(0.3) == 0


def test_the_sample_is_spread_over_the_data() -> None:
    assert sample(3) == [0, 1, 2]
    chosen = sample(1000)
    assert chosen[0] == 0
    assert chosen[-1] == 999
    assert len(chosen) == len(set(chosen)) <= 64
