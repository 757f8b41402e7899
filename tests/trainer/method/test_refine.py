"""Strokes steer the mask: exactness, reach, purity, and the solver against a dense one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import torch

from trainer.method.pairs import pair_grid
from trainer.method.refine import RefineParams, Refiner


@pytest.fixture
def scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two bright discs, left and right, on a dark noisy ground: the image and their labels, 1 and 2."""
    y, x = np.mgrid[:120, :200]
    labels = np.zeros((120, 200), np.uint8)
    labels[(y - 60) ** 2 + (x - 50) ** 2 < 35**2] = 1
    labels[(y - 60) ** 2 + (x - 150) ** 2 < 35**2] = 2
    colours = np.array([[40, 60, 40], [200, 90, 60], [60, 90, 200]])
    return np.clip(colours[labels] + rng.normal(0, 4, (120, 200, 3)), 0, 255).astype(np.uint8), labels


@pytest.fixture
def prior() -> np.ndarray:
    """A prior on an 8-pixel grid that finds the middle of the left disc and misses the right one."""
    y, x = np.mgrid[:15, :25]
    blob = np.exp(-((y - 7) ** 2 + (x - 6) ** 2) / 20).astype(np.float32)
    return np.stack([1 - 0.9 * blob, 0.9 * blob])


def untouched() -> np.ndarray:
    return np.full((120, 200), 255, np.uint8)


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def test_a_stroke_on_a_missed_object_takes_the_object_and_leaves_the_rest(
    scene: tuple[np.ndarray, np.ndarray], prior: np.ndarray
) -> None:
    image, labels = scene
    refiner = Refiner(prior, image, (0, 1))
    before = refiner.solve(untouched())
    strokes = untouched()
    strokes[55:65, 140:160] = 1
    after = refiner.solve(strokes)
    assert iou(before == 1, labels == 2) < 0.05
    assert iou(after[:, 100:] == 1, labels[:, 100:] == 2) > 0.9
    np.testing.assert_array_equal(after[:, :90], before[:, :90])


def test_painted_pixels_keep_their_class(scene: tuple[np.ndarray, np.ndarray], prior: np.ndarray) -> None:
    strokes = untouched()
    strokes[3, 5:190:2] = 1
    strokes[4, 5:190:3] = 0
    strokes[60, 40:60] = 0
    mask = Refiner(prior, scene[0], (0, 1)).solve(strokes)
    painted = strokes != 255
    np.testing.assert_array_equal(mask[painted], strokes[painted])


def test_a_class_that_was_not_tagged_can_be_painted(
    scene: tuple[np.ndarray, np.ndarray], prior: np.ndarray
) -> None:
    image, labels = scene
    strokes = untouched()
    strokes[55:65, 140:160] = 17
    mask = Refiner(prior, image, (0, 4)).solve(strokes)
    assert set(np.unique(mask)) == {0, 4, 17}
    assert iou(mask == 17, labels == 2) > 0.9
    assert iou(mask == 4, labels == 1) > 0.5


def test_an_untagged_image_is_background_until_painted(scene: tuple[np.ndarray, np.ndarray]) -> None:
    refiner = Refiner(np.ones((1, 15, 25)), scene[0], (0,))
    strokes = untouched()
    assert not refiner.solve(strokes).any()
    strokes[55:65, 40:60] = 3
    assert iou(refiner.solve(strokes) == 3, scene[1] == 1) > 0.9


def test_the_mask_depends_on_the_strokes_alone(
    scene: tuple[np.ndarray, np.ndarray], prior: np.ndarray
) -> None:
    first, second = untouched(), untouched()
    first[55:65, 140:160] = 1
    second[55:65, 40:60] = 0
    strokes = [first, untouched(), second, np.minimum(first, second)] * 3
    expected = [Refiner(prior, scene[0], (0, 1)).solve(each) for each in strokes]
    refiner = Refiner(prior, scene[0], (0, 1))
    with ThreadPoolExecutor(4) as pool:
        for mask, alone in zip(pool.map(refiner.solve, strokes), expected, strict=True):
            np.testing.assert_array_equal(mask, alone)


def test_semantic_affinity_holds_where_colours_do_not() -> None:
    image = np.full((96, 160, 3), 128, np.uint8)
    prior = np.stack([np.full((12, 20), 0.55), np.full((12, 20), 0.45)])
    affinity = pair_grid(12, 20).inside.astype(np.float32)
    for plane, (source, target) in zip(affinity, pair_grid(12, 20).overlaps, strict=True):
        columns = np.arange(20)
        apart = (columns[source[1]] < 10) != (columns[target[1]] < 10)
        plane[source] = np.where(apart, 0.01, plane[source])
    strokes = np.full((96, 160), 255, np.uint8)
    strokes[40:56, 20:40] = 1
    with_affinity = Refiner(prior, image, (0, 1), affinity).solve(strokes)
    assert with_affinity[:, :72].mean() > 0.95
    assert with_affinity[:, 88:].mean() < 0.05
    assert Refiner(prior, image, (0, 1)).solve(strokes)[:, 88:].mean() > 0.2


def test_scores_solve_the_linear_system(scene: tuple[np.ndarray, np.ndarray], prior: np.ndarray) -> None:
    """Dense elimination of the same energy, written down from its definition."""
    image = scene[0][::4, ::4]
    params = replace(RefineParams(), tolerance=1e-6, cell=1)
    refiner = Refiner(prior, image, (0, 1), params=params)
    pairs = pair_grid(*refiner.shape, 2)
    colours = image.reshape(-1, 3).astype(np.float64)
    size = len(colours)
    laplacian = np.zeros((size, size))
    for i, j in zip(pairs.source, pairs.target, strict=True):
        weight = np.exp(-((colours[i] - colours[j]) ** 2).sum() / (2 * params.sigma**2)) + 1e-4
        laplacian[[i, j], [i, j]] += weight
        laplacian[[i, j], [j, i]] -= weight
    enlarged = torch.nn.functional.interpolate(
        torch.tensor(prior)[None], refiner.shape, mode="bilinear", align_corners=False
    )
    share = enlarged[0, 1].numpy().ravel().astype(np.float64)
    trust = params.trust * (2 * share - 1) ** 2 + 1e-4
    expected = np.linalg.solve(laplacian + np.diag(trust), trust * share)
    np.testing.assert_allclose(refiner.scores[1].ravel(), expected, atol=2e-3)


def test_a_photo_gets_better_with_each_stroke() -> None:
    """The cup of scikit-image's coffee photo, from a prior that only knows where about it is."""
    image = skimage.data.coffee()
    y, x = np.mgrid[:50, :75]
    blob = np.exp(-(((y - 20) / 6) ** 2 + ((x - 38) / 9) ** 2)).astype(np.float32)
    refiner = Refiner(np.stack([1 - blob, blob]), image, (0, 1))
    strokes = np.full(image.shape[:2], 255, np.uint8)
    strokes[370:380, 40:560] = 0
    strokes[20:380, 20:30] = 0
    before = refiner.solve(strokes)
    strokes[150:160, 220:420] = 1
    after = refiner.solve(strokes)
    assert (after == 1).sum() > (before == 1).sum()
    assert not after[370:380, 40:560].any()


def test_shapes_that_do_not_fit_are_refused(scene: tuple[np.ndarray, np.ndarray], prior: np.ndarray) -> None:
    with pytest.raises(ValueError, match="2 score channels for 3 classes"):
        Refiner(prior, scene[0], (0, 1, 2))
    with pytest.raises(ValueError, match="do not fit"):
        Refiner(prior, scene[0], (0, 1)).solve(np.full((3, 3), 255, np.uint8))
