"""The geometry of pairs, against loops over pixels."""

import numpy as np
import pytest
import torch

from trainer.method.pairs import offsets, pair_grid, pair_labels, pair_matrix

SIZES = [(1, 1), (1, 9), (3, 3), (4, 6), (7, 5), (11, 13)]


def pairs_by_loop(height: int, width: int, radius: int) -> set[tuple[int, int]]:
    """All unordered pairs closer than the radius, as flat (earlier, later) indices."""
    cells = [(y, x) for y in range(height) for x in range(width)]
    return {
        (i, j)
        for i, (y, x) in enumerate(cells)
        for j, (v, u) in enumerate(cells)
        if i < j and (y - v) ** 2 + (x - u) ** 2 < radius**2
    }


def test_radius_five_has_34_forward_offsets() -> None:
    table = offsets(5)
    assert table.shape == (34, 2)
    assert len({tuple(row) for row in table} | {tuple(-row) for row in table}) == 68


def test_a_radius_without_neighbours_is_refused() -> None:
    with pytest.raises(ValueError, match="radius"):
        offsets(1)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("radius", [2, 3, 5])
def test_every_pair_inside_the_grid_occurs_once(height: int, width: int, radius: int) -> None:
    pairs = pair_grid(height, width, radius)
    listed = list(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True))
    assert len(listed) == len(set(listed)) == pairs.inside.sum()
    assert set(listed) == pairs_by_loop(height, width, radius)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_matrix_holds_each_pair_both_ways(height: int, width: int, rng: np.random.Generator) -> None:
    pairs = pair_grid(height, width)
    planes = rng.random((34, height, width), dtype=np.float32)
    matrix = pair_matrix(planes, diagonal=2).toarray()
    expected = np.diag(np.full(height * width, 2.0))
    values = planes[pairs.inside]
    expected[pairs.source, pairs.target] = expected[pairs.target, pairs.source] = values
    np.testing.assert_allclose(matrix, expected, rtol=1e-6)


def test_matrix_refuses_planes_of_another_radius() -> None:
    with pytest.raises(ValueError, match="34 pair planes"):
        pair_matrix(np.ones((4, 6, 6), np.float32))


def test_labels_of_pairs_match_a_loop(rng: np.random.Generator) -> None:
    labels = rng.choice([0, 1, 2, 255], (2, 7, 9))
    sets = pair_labels(torch.tensor(labels))
    table = offsets()
    for planes, belongs in zip(
        sets,
        (lambda a, b: a == b and a > 0, lambda a, b: a == b == 0, lambda a, b: a != b),
        strict=True,
    ):
        expected = np.zeros(planes.shape, bool)
        for b, p, y, x in np.ndindex(*planes.shape):
            v, u = y + table[p, 0], x + table[p, 1]
            if v < 7 and 0 <= u < 9 and 255 not in (labels[b, y, x], labels[b, v, u]):
                expected[b, p, y, x] = belongs(labels[b, y, x], labels[b, v, u])
        np.testing.assert_array_equal(planes.numpy(), expected)
