"""Views of a training photo: what they may change, and that labels stay on their pixels."""

import numpy as np
import pytest

from trainer.learn.augment import Augmentation, WholePhoto

LEFT, RIGHT = (200, 40, 60), (20, 90, 220)


@pytest.fixture
def photo() -> np.ndarray:
    """Two colours side by side, so that a view tells what it shows of which."""
    return np.stack([np.array([LEFT] * 24 + [RIGHT] * 40, np.uint8)] * 48)


@pytest.fixture
def labels() -> np.ndarray:
    return np.stack([np.array([1] * 24 + [0] * 40, np.uint8)] * 48)


@pytest.mark.parametrize(
    "views",
    [WholePhoto((0.5, 1.5), colour=0, hue=0), Augmentation((32, 96), 48, colour=0, hue=0)],
    ids=["whole", "crop"],
)
def test_labels_stay_on_the_pixels_they_name(
    views: WholePhoto | Augmentation, photo: np.ndarray, labels: np.ndarray
) -> None:
    for seed in range(8):
        pixels, known = views(photo, np.random.default_rng(seed), labels)
        assert pixels.shape[1:] == known.shape
        colours = pixels.permute(1, 2, 0).numpy()
        # Only at the seam do resized colours mix.
        left, right = (np.abs(colours - colour).max(axis=2) < 20 for colour in (LEFT, RIGHT))
        assert (left | right | (known == 255).numpy()).mean() > 0.9
        assert (known[left] == 1).all()
        assert (known[right] == 0).all()


def test_a_view_of_the_whole_photo_is_all_of_it_mirrored_or_not_and_never_padded(
    photo: np.ndarray, labels: np.ndarray
) -> None:
    heights, sides = set(), set()
    for seed in range(20):
        _, known = WholePhoto((0.5, 1.25))(photo, np.random.default_rng(seed), labels)
        height, width = known.shape
        assert 24 <= height <= 60
        assert width == pytest.approx(height * 64 / 48, abs=1)
        assert (known == 1).float().mean() == pytest.approx(24 / 64, abs=0.03)
        assert not (known == 255).any()
        heights.add(height)
        sides.add(int(known[0, 0]))
    assert len(heights) > 5
    assert sides == {0, 1}


def test_a_photo_without_labels_teaches_nothing(photo: np.ndarray) -> None:
    _, known = WholePhoto()(photo, np.random.default_rng(0))
    assert (known == 255).all()
