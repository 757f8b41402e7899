"""Pixels of any number, fairly dealt out to the cells of the feature grid."""

import numpy as np
import pytest

from trainer.method.grid import grid_of, majority, pool


def plain_majority(labels: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The definition, cell by cell; the lower label wins a draw."""
    result = np.full(grid, 255, np.uint8)
    for i in range(grid[0]):
        for j in range(grid[1]):
            rows, columns = (
                slice(k * side // cells, (k + 1) * side // cells)
                for k, side, cells in zip((i, j), labels.shape, grid, strict=True)
            )
            said = labels[rows, columns][labels[rows, columns] != 255]
            if len(said):
                result[i, j] = np.bincount(said).argmax()
    return result


@pytest.mark.parametrize("size", [(40, 64), (41, 61), (7, 9), (1, 1), (300, 200)])
def test_a_cell_has_the_label_of_most_of_its_painted_pixels(
    rng: np.random.Generator, size: tuple[int, int]
) -> None:
    labels = rng.choice(np.array([0, 3, 20, 254, 255], np.uint8), size, p=[0.02, 0.03, 0.02, 0.01, 0.92])
    grid = grid_of((min(size[0], 64), min(size[1], 64)))
    assert (majority(labels, grid) == plain_majority(labels, grid)).all()


def test_a_single_pixel_is_enough_to_label_its_cell() -> None:
    labels = np.full((32, 32), 255, np.uint8)
    labels[31, 0] = 0
    assert np.argwhere(majority(labels, (4, 4)) == 0).tolist() == [[3, 0]]


def test_pooling_keeps_what_is_constant_and_the_mean(rng: np.random.Generator) -> None:
    maps = rng.random((2, 40, 64), np.float32)
    maps[1] = 0.5
    pooled = pool(maps, (5, 8))
    assert pooled[0].mean() == pytest.approx(maps[0].mean(), abs=1e-5)
    assert pooled[1] == pytest.approx(np.full((5, 8), 0.5))
