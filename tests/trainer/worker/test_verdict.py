"""Evidence for a better model: an interval of paired differences."""

import numpy as np
import pytest
from scipy import stats

from trainer.worker.verdict import CONFIDENCE, LEAST_GAIN, paired


def test_the_bounds_are_those_of_scipys_percentile_bootstrap(rng: np.random.Generator) -> None:
    old = rng.random(9)
    new = old + rng.normal(0.02, 0.05, 9)
    verdict = paired(old.tolist(), new.tolist())
    reference = stats.bootstrap(
        (new - old,), np.mean, confidence_level=2 * CONFIDENCE - 1, method="percentile", n_resamples=20_000
    ).confidence_interval
    assert verdict.low == pytest.approx(reference.low, abs=0.003)
    assert verdict.high == pytest.approx(reference.high, abs=0.003)
    assert verdict.mean == pytest.approx((new - old).mean())


def test_a_gain_is_proven_by_several_photos_and_not_by_one_that_gained_much() -> None:
    old = [0.5] * 6
    assert paired(old, [0.56, 0.58, 0.55, 0.57, 0.6, 0.54]).better
    assert paired(old, [0.5, 0.5, 0.9, 0.9, 0.8, 0.5]).better
    one_gained = paired(old, [0.5, 0.5, 0.5, 0.5, 0.5, 0.9])
    assert not one_gained.better and not one_gained.worse
    assert paired(old, [0.44, 0.42, 0.45, 0.43, 0.4, 0.46]).worse


def test_a_gain_too_small_to_be_seen_is_not_worth_a_version() -> None:
    old = [0.5] * 5
    assert not paired(old, [iou + LEAST_GAIN / 2 for iou in old]).better
    assert paired(old, [iou + 2 * LEAST_GAIN for iou in old]).better


def test_two_photos_prove_nothing() -> None:
    verdict = paired([0.1, 0.1], [0.9, 0.9])
    assert not verdict.better and not verdict.worse
