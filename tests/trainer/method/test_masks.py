"""Specks and pinholes join what surrounds them, what is large enough stays; large photos cost no more CRF."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label

from trainer.data.regions import remove_small_regions
from trainer.method import masks
from trainer.method.crf import CrfParams, DenseCRF
from trainer.method.masks import label_map
from trainer.method.settings import Settings


def test_specks_and_pinholes_join_their_surroundings() -> None:
    labels = np.zeros((40, 50), np.uint8)
    labels[5:30, 5:30] = 3
    whole = labels.copy()
    labels[10, 10] = 0  # a pinhole
    labels[15:17, 15] = 7  # a speck of another class
    labels[35, 40:42] = 3  # specks in the background
    labels[0, 49] = 9
    assert np.array_equal(remove_small_regions(labels, 0.002), whole)
    assert np.array_equal(remove_small_regions(labels, 0.0), labels)


def test_parts_of_the_smallest_size_stay() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[4:6, 4:6] = 2
    assert np.array_equal(remove_small_regions(labels, 4 / 400), labels)
    assert not remove_small_regions(labels, 5 / 400).any()


def test_a_speck_takes_the_most_frequent_label_around_it() -> None:
    labels = np.ones((10, 10), np.uint8)
    labels[:, 5:] = 2
    labels[4:6, 5] = 9
    expected = labels.copy()
    expected[4:6, 5] = 2  # four neighbours of class 2, two of class 1
    assert np.array_equal(remove_small_regions(labels, 0.05), expected)


def test_no_part_below_the_size_is_left_in_noise(rng: np.random.Generator) -> None:
    labels = (ndimage.gaussian_filter(rng.normal(size=(90, 120)), 2) > 0).astype(np.uint8)
    result = remove_small_regions(labels, 0.01)
    parts = label(result, background=-1, connectivity=1)
    assert np.bincount(parts.ravel())[1:].min() >= 0.01 * labels.size
    assert (result == labels).mean() > 0.8


def test_a_mask_of_specks_alone_stays(rng: np.random.Generator) -> None:
    labels = rng.integers(0, 4, (16, 16)).astype(np.uint8)
    assert np.array_equal(remove_small_regions(labels, 0.9), labels)


def plainly(labels: np.ndarray, smallest_part: float, meant: np.ndarray) -> np.ndarray:
    """The same, part by part."""
    parts = label(labels, background=-1, connectivity=1)
    areas = np.bincount(parts.ravel())
    small = [
        number
        for number in range(1, len(areas))
        if areas[number] < smallest_part * labels.size and not meant[parts == number].any()
    ]
    if len(small) == len(areas) - 1:
        return labels
    result = labels.copy()
    for number in small:
        ring = ndimage.binary_dilation(parts == number) & (parts != number)
        lasting = ring & ~np.isin(parts, small)
        result[parts == number] = np.bincount(labels[lasting if lasting.any() else ring]).argmax()
    return result


@pytest.mark.parametrize("seed", range(60))
def test_all_parts_at_once_are_given_away_as_one_by_one(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.choice(np.array([0, 1, 7, 255], np.uint8), size=generator.integers(2, 32, 2))
    if seed % 2:
        labels = ndimage.median_filter(labels, 3)
    labels = labels if seed % 3 else np.asfortranarray(labels)
    meant = generator.random(labels.shape) < 0.02
    smallest = float(generator.choice([0.005, 0.02, 0.1]))
    assert np.array_equal(remove_small_regions(labels, smallest, meant), plainly(labels, smallest, meant))


def test_the_crf_of_a_large_photo_works_at_the_size_the_networks_see(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reach in pixels is meant for that size, and its time does not grow with the photo."""
    seen: list[tuple[int, ...]] = []

    def crf(image: np.ndarray, params: CrfParams) -> DenseCRF:
        seen.append(image.shape)
        return DenseCRF(image, params)

    monkeypatch.setattr(masks, "DenseCRF", crf)
    image = np.full((60, 80, 3), 60, np.uint8)
    image[15:45, 20:60] = (200, 120, 40)
    image = (image + rng.integers(0, 12, image.shape)).astype(np.uint8)
    scores = np.full((2, 8, 10), 0.1, np.float32)
    scores[1, 2:6, 3:7] = 0.8
    scores[0] = 1 - scores[1]
    small = label_map(scores, image, Settings(max_side=80), crf=True)
    large = label_map(scores, image.repeat(4, 0).repeat(4, 1), Settings(max_side=80), crf=True)
    assert seen == [(60, 80, 3), (60, 80, 3)]
    assert 0.2 < small.mean() < 0.4
    assert (large == small.repeat(4, 0).repeat(4, 1)).mean() > 0.97
