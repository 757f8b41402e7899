"""Edge-aware enlargement: what it promises about sums, outlines and tiles."""

import numpy as np
import pytest
import skimage.data

from trainer.method.upsample import edge_aware, edge_aware_labels


def coarse(mask: np.ndarray, cell: int) -> np.ndarray:
    """Scores (2, h, w) of a mask on a grid of cells, blurred by a moving average over 3×3 cells."""
    height, width = (size // cell for size in mask.shape)
    share = mask.reshape(height, cell, width, cell).mean(axis=(1, 3))
    padded = np.pad(share, 1, mode="edge")
    blurred = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
    return np.stack([1 - blurred, blurred]).astype(np.float32)


def disc_scene() -> tuple[np.ndarray, np.ndarray]:
    """A bright disc on a dark ground, its scores two pixels off."""
    y, x = np.mgrid[:160, :240]
    disc = (y - 80) ** 2 + (x - 120) ** 2 < 50**2
    image = np.where(disc[..., None], [200, 150, 60], [30, 60, 90]).astype(np.uint8)
    return image, disc


def test_the_mask_follows_the_outline_of_the_image_where_the_scores_are_off() -> None:
    image, disc = disc_scene()
    scores = coarse(np.roll(disc, (2, 2), axis=(0, 1)), 8)
    plain = np.kron(scores.argmax(axis=0), np.ones((8, 8))) == 1
    ours = edge_aware(scores, image).argmax(axis=0) == 1
    assert (ours != disc).sum() < 0.4 * (plain != disc).sum()


def test_scores_keep_their_sum(rng: np.random.Generator) -> None:
    scores = rng.dirichlet([1, 1, 1], (20, 30)).transpose(2, 0, 1).astype(np.float32)
    image = skimage.data.chelsea()[:160, :240]
    full = edge_aware(scores, image)
    assert full.shape == (3, 160, 240)
    np.testing.assert_allclose(full.sum(axis=0), 1, atol=1e-4)


def test_constant_scores_stay_constant() -> None:
    scores = np.broadcast_to(np.float32([0.2, 0.5, 0.3])[:, None, None], (3, 31, 47))
    full = edge_aware(scores, skimage.data.astronaut()[:247, :375])
    np.testing.assert_allclose(full, np.broadcast_to(scores[:, :1, :1], full.shape), atol=1e-3)


@pytest.mark.parametrize("size", [(160, 240), (163, 241), (29, 400)])
def test_labels_are_the_winners_of_the_scores(size: tuple[int, int], rng: np.random.Generator) -> None:
    image = skimage.data.coffee()[: size[0], : size[1]]
    height, width = -(-size[0] // 4), -(-size[1] // 4)
    steps = np.add.outer(np.linspace(0, 3, height), np.linspace(0, 4, width))
    waves = np.stack([np.sin(steps + phase) for phase in (0, 2, 4)]) * 4
    scores = (np.exp(waves) / np.exp(waves).sum(axis=0)).astype(np.float32)
    labels = edge_aware_labels(scores, image)
    assert labels.dtype == np.uint8
    assert (labels == edge_aware(scores, image).argmax(axis=0)).mean() > 0.999


def test_background_alone_and_one_cell_work() -> None:
    image = skimage.data.rocket()[:50, :70]
    assert not edge_aware_labels(np.ones((1, 7, 9), np.float32), image).any()
    np.testing.assert_array_equal(edge_aware(np.ones((1, 7, 9), np.float32), image), 1)
    single = np.float32([[[0.3]], [[0.7]]])
    assert (edge_aware_labels(single, image) == 1).all()
