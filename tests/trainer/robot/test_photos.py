"""The layouts that the robot annotates, and what it says of bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.errors import DataError
from trainer.robot.photos import open_photos


@pytest.fixture
def grey_set(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Make three photos of one object each, with masks of 0, 128 and 255, in `images/` and `masks/`."""
    root = tmp_path / "one-object"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for name in ("img2", "img10", "img1"):
        Image.fromarray(rng.integers(0, 255, (20, 30, 3), np.uint8)).save(root / "images" / f"{name}.jpg")
        mask = np.zeros((20, 30), np.uint8)
        mask[5:15, 5:20], mask[5:15, 20:22] = 255, 128
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
    return root


def test_images_and_masks_of_one_object(grey_set: Path) -> None:
    photos = open_photos(grey_set)
    assert [photo.id for photo in photos.photos] == ["img1", "img10", "img2"]
    assert photos.classes == ClassList(("object",))
    image, truth = photos.photos[0].load(photos.classes)
    assert image.shape == (20, 30, 3)
    assert truth[10, 10] == 1 and truth[10, 20] == 255 and truth[0, 0] == 0


def test_a_voc_tree(voc_tree: Path) -> None:
    assert [photo.id for photo in open_photos(voc_tree).photos] == ["four", "one", "three", "two"]
    photos = open_photos(voc_tree, "train")
    assert photos.split == "train" and len(photos.photos) == 3
    _, truth = photos.photos[0].load(photos.classes)
    assert set(np.unique(truth)) == {0, 8, 255}


def test_photos_are_chosen_in_the_order_of_their_ids(grey_set: Path) -> None:
    photos = open_photos(grey_set)
    assert [photo.id for photo in photos.select(limit=2).photos] == ["img1", "img10"]
    assert [photo.id for photo in photos.select(step=2).photos] == ["img1", "img2"]
    assert [photo.id for photo in photos.select({"img1", "elsewhere"}).photos] == ["img10", "img2"]
    with pytest.raises(DataError, match="one-object"):
        photos.select({"img1", "img2", "img10"})


def test_an_image_without_a_mask_is_left_out(grey_set: Path) -> None:
    (grey_set / "masks" / "img1.png").unlink()
    assert [photo.id for photo in open_photos(grey_set).photos] == ["img10", "img2"]


@pytest.mark.parametrize("spoil", ["no object", "odd value", "wrong size"])
def test_a_bad_mask_is_named(grey_set: Path, spoil: str) -> None:
    path = grey_set / "masks" / "img1.png"
    mask = np.asarray(Image.open(path)).copy()
    if spoil == "no object":
        mask[mask == 255] = 0
    elif spoil == "odd value":
        mask[0, 0] = 1
    else:
        mask = mask[:-1]
    Image.fromarray(mask).save(path)
    photos = open_photos(grey_set)
    with pytest.raises(DataError, match=r"img1\.png"):
        photos.photos[0].load(photos.classes)


def test_labels_beyond_the_class_list_are_named(voc_tree: Path) -> None:
    photos = open_photos(voc_tree, classes=ClassList(("cat", "dog", "person")))
    with pytest.raises(DataError, match=r"four\.png has the label 15"):
        photos.photos[0].load(photos.classes)


def test_a_set_without_true_masks_is_refused(voc_tree: Path) -> None:
    for mask in (voc_tree / "SegmentationClass").iterdir():
        mask.unlink()
    with pytest.raises(DataError, match="true masks"):
        open_photos(voc_tree)
