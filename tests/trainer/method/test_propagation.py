"""The walk against dense powers of its matrix, the mean-affinity rule against a loop over pixels."""

import numpy as np
import pytest
import torch

from trainer.method.affinity import pair_affinity
from trainer.method.pairs import pair_grid
from trainer.method.propagation import Walk, mean_affinity, power_series


def walk_by_squaring(planes: np.ndarray, scores: np.ndarray, beta: float, steps: int) -> np.ndarray:
    """The reference's way: T built densely in float64 and raised to its power."""
    pairs = pair_grid(*planes.shape[1:])
    weights = np.eye(pairs.size)
    values = planes[pairs.inside].astype(np.float64) ** beta
    weights[pairs.source, pairs.target] = weights[pairs.target, pairs.source] = values
    transition = np.linalg.matrix_power(weights / weights.sum(axis=1, keepdims=True), steps)
    return (transition @ scores.reshape(len(scores), -1).T).T.reshape(scores.shape)


def affinity_of(height: int, width: int) -> torch.Tensor:
    """Pair planes of features with two regions and some noise."""
    features = 0.3 * torch.randn(1, 16, height, width)
    features[..., width // 2 :] += 1
    return pair_affinity(features)[0]


@pytest.mark.parametrize("steps", [0, 1, 2, 7, 16, 64, 255, 256])
@pytest.mark.parametrize("size", [(13, 17), (2, 3), (30, 1)])
def test_walk_matches_dense_powers(steps: int, size: tuple[int, int], rng: np.random.Generator) -> None:
    planes = affinity_of(*size)
    scores = rng.random((3, *size), dtype=np.float32)
    expected = walk_by_squaring(planes.numpy(), scores, 8, steps)
    walked = Walk(planes, beta=8).propagate(scores, steps)
    assert np.abs(walked - expected).max() <= 1e-4


def test_walk_keeps_constants_and_sums(rng: np.random.Generator) -> None:
    scores = rng.dirichlet([1, 1, 1], (13, 17)).transpose(2, 0, 1)
    walk = Walk(affinity_of(13, 17), beta=8)
    np.testing.assert_allclose(walk.propagate(np.ones((1, 13, 17)), 256), 1, atol=1e-5)
    np.testing.assert_allclose(walk.propagate(scores, 256).sum(axis=0), 1, atol=1e-5)


def test_walk_fills_a_region_and_stops_at_its_border() -> None:
    scores = np.zeros((1, 20, 20), np.float32)
    scores[0, 10, 3] = 1
    walked = Walk(affinity_of(20, 20), beta=8).propagate(scores, 64)[0]
    assert walked[:, :10].min() > 10 * walked[:, 10:].max()


def test_scores_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Walk(affinity_of(5, 6), beta=8).propagate(np.zeros((2, 6, 5)), 64)


@pytest.mark.parametrize("steps", [1, 10, 33, 256, 1000, 5000])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
def test_series_is_the_power_within_the_tolerance_and_short(steps: int, tolerance: float) -> None:
    series = power_series(steps, tolerance).astype(np.float64)
    points = np.cos(np.linspace(0, np.pi, 20_011))
    assert np.abs(np.polynomial.chebyshev.chebval(points, series) - points**steps).max() <= tolerance + 1e-6
    assert len(series) - 1 <= min(steps, np.sqrt(2 * steps * np.log(4 / tolerance)) + 2)


def test_a_walk_of_negative_length_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 steps"):
        power_series(-1)


def test_mean_affinity_matches_a_loop(rng: np.random.Generator) -> None:
    features = torch.randn(6, 5, 7)
    labels = rng.choice([0, 1, 3, 255, 255], (5, 7))
    scores = mean_affinity(features, labels, (0, 1, 3, 9))
    vectors, flat = features.flatten(1).T.numpy(), labels.ravel()
    expected = np.zeros((4, 35))
    for channel, class_id in enumerate((0, 1, 3)):
        members = np.flatnonzero(flat == class_id)
        for i in range(35):
            affinities = [np.exp(-np.abs(vectors[i] - vectors[j]).mean()) for j in members]
            expected[channel, i] = np.mean(affinities) if flat[i] == 255 else flat[i] == class_id
    np.testing.assert_allclose(scores.reshape(4, -1), expected, atol=1e-5)
