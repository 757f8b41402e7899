"""What the stroke network is told of strokes, against slow and plain references."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from trainer.method.guidance import SAMPLES, distance, guidance, likeness


def units(rng: np.random.Generator, channels: int, size: tuple[int, int]) -> torch.Tensor:
    vectors = torch.from_numpy(rng.normal(size=(1, channels, *size)).astype(np.float32))
    return torch.nn.functional.normalize(vectors, dim=1)


def plain_nearness(touched: np.ndarray, reach: float) -> np.ndarray:
    if not touched.any():
        return np.zeros(touched.shape)
    return np.exp(-4 * ndimage.distance_transform_edt(~touched) / reach)


def plain_likeness(touched: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Greatest cosine to any touched cell."""
    if not touched.any():
        return np.full(touched.shape, -1.0)
    return np.einsum("chw,cn->hwn", unit, unit[:, touched]).max(-1)


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (31, 40)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_distances_are_scipys(rng: np.random.Generator, size: tuple[int, int], dtype: torch.dtype) -> None:
    touched = rng.random((5, *size)) < np.array([0.004, 0.05, 0.5, 1, 0]).reshape(5, 1, 1)
    found = distance(torch.from_numpy(touched), dtype).float().numpy()
    for one, map_ in zip(touched, found, strict=True):
        if one.any():
            np.testing.assert_allclose(map_, ndimage.distance_transform_edt(~one), rtol=2e-3, atol=1e-6)
        else:
            assert np.isinf(map_).all()


def test_maps_tell_where_strokes_are_how_far_and_what_looks_alike(rng: np.random.Generator) -> None:
    size = (12, 17)
    touched = np.zeros((2, 2, *size), bool)  # the second view has no unwanted stroke
    touched[0, 0, 3:5, 2:7] = touched[0, 1, 9, 10:16] = touched[1, 0, 0, 0] = True
    unit = units(rng, 6, size)
    maps = guidance(torch.from_numpy(touched.astype(np.float32)), unit)
    assert maps.shape == (2, 8, *size)
    for view in range(2):
        for sign in range(2):
            strokes = touched[view, sign]
            expected = [
                (sign, strokes),
                (2 + 2 * sign, plain_nearness(strokes, 12)),
                (3 + 2 * sign, plain_nearness(strokes, 60)),
                (6 + sign, plain_likeness(strokes, unit[0].numpy())),
            ]
            for row, reference in expected:
                np.testing.assert_allclose(maps[view, row].numpy(), reference, atol=1e-5)


def test_cells_that_a_stroke_hardly_touches_are_not_what_it_looks_for(rng: np.random.Generator) -> None:
    unit, coverage = units(rng, 6, (8, 9)), torch.zeros(1, 2, 8, 9)
    coverage[0, 0, 2, 2:6], coverage[0, 0, 3, 2:6] = 0.9, 0.1
    solid = (coverage[0, 0] > 0.5).numpy()
    expected = plain_likeness(solid, unit[0].numpy())
    np.testing.assert_allclose(likeness(coverage, unit)[0, 0].numpy(), expected, atol=1e-5)


def test_of_a_long_stroke_as_many_cells_as_are_allowed_are_compared(rng: np.random.Generator) -> None:
    size, unit = (20, 20), units(rng, 16, (20, 20))
    coverage = torch.zeros(1, 2, *size)
    coverage[0, 0, 5:15, 5:15] = 1
    found = likeness(coverage, unit)[0, 0].numpy()
    assert (found[5:15, 5:15] > 0.9999).sum() == SAMPLES
    assert (found <= plain_likeness(coverage[0, 0].numpy() > 0, unit[0].numpy()) + 1e-5).all()
