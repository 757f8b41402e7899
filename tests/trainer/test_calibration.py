from collections.abc import Callable

import numpy as np
import pytest

from trainer.calibration import RANGE, STEPS, SURVIVAL, AlphaSearch, sample, survival


def _found(mean_survival: Callable[[float], float]) -> float:
    search = AlphaSearch()
    for _ in range(STEPS):
        search.tell(mean_survival(search.candidate))
    return search.alpha


@pytest.mark.parametrize("true", [0.5, 1.3, 4.0])
def test_the_smallest_alpha_that_survives_is_found(true: float) -> None:
    assert _found(lambda alpha: SURVIVAL + (alpha - true)) == pytest.approx(true, rel=0.07)


def test_a_curve_that_never_or_always_survives_ends_at_the_range() -> None:
    assert _found(lambda alpha: 0.0) == pytest.approx(RANGE[1])
    assert _found(lambda alpha: 1.0) == pytest.approx(RANGE[0], rel=0.07)


def test_survival_is_the_overlap_of_the_foreground_before_and_after() -> None:
    cams = np.zeros((1, 4, 4), np.float32)
    cams[0, :, :2] = 1
    lost = np.zeros((2, 4, 4), np.float32)
    lost[0] = 1
    lost[:, :2, :2] = [[[0.0]], [[1.0]]]
    assert survival(cams, 1.0, lambda scores: scores) == 1
    assert survival(cams, 1.0, lambda scores: lost) == 0.5
    assert survival(np.zeros_like(cams), 1.0, lambda scores: scores) == 0


def test_the_sample_is_spread_over_the_data() -> None:
    assert sample(3) == [0, 1, 2]
    chosen = sample(1000)
    assert chosen[0] == 0
    assert chosen[-1] == 999
    assert len(chosen) == len(set(chosen)) <= 64
