"""Evidence for a better model: an interval of paired differences."""

import numpy as np
import pytest
from scipy import stats

from trainer.worker.verdict import CONFIDENCE, paired


def test_bounds_are_those_of_students_one_sided_tests(rng: np.random.Generator) -> None:
    old = rng.random(9)
    new = old + rng.normal(0.02, 0.05, 9)
    verdict = paired(old.tolist(), new.tolist())
    for bound, alternative in ((verdict.low, "greater"), (verdict.high, "less")):
        tested = stats.ttest_1samp(new - old, bound, alternative=alternative)
        assert tested.pvalue == pytest.approx(1 - CONFIDENCE)
    assert verdict.mean == pytest.approx((new - old).mean())


def test_a_gain_is_proven_by_many_photos_and_not_by_one_that_gained_much() -> None:
    old = [0.5] * 6
    assert paired(old, [0.56, 0.58, 0.55, 0.57, 0.6, 0.54]).better
    one_gained = paired(old, [0.5, 0.5, 0.5, 0.5, 0.5, 0.9])
    assert not one_gained.better and not one_gained.worse
    assert paired(old, [0.44, 0.42, 0.45, 0.43, 0.4, 0.46]).worse


def test_one_photo_proves_nothing() -> None:
    verdict = paired([0.1], [0.9])
    assert not verdict.better and not verdict.worse
