"""Masks from outside: whatever wrote them, they are read as meant, or named; never believed unseen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.images import palette_image, save_mask
from trainer.data.masks import MaskReader
from trainer.data.palette import voc_palette
from trainer.errors import DataError

LABELS = np.zeros((20, 30), np.uint8)
LABELS[2:8, 3:9] = 1
LABELS[10:18, 12:28] = 2
LABELS[0] = 255
CLASSES = ClassList(("cat", "dog"))


def shuffled(labels: np.ndarray) -> Image.Image:
    """The same picture in VOC's colours, whose palette an image tool has sorted."""
    order = np.array([9, 4, 200, 17])
    table = np.zeros(256, np.uint8)
    table[[0, 1, 2, 255]] = order
    palette = np.zeros((256, 3), np.uint8)
    palette[order] = voc_palette()[[0, 1, 2, 255]]
    image = Image.fromarray(table[labels])
    image.putpalette(palette.tobytes())
    return image


def own_palette(labels: np.ndarray) -> Image.Image:
    """Indices as meant; the palette is for the eye."""
    image = Image.fromarray(labels)
    image.putpalette([value for index in range(256) for value in (255 - index, 7, index)])
    return image


def rgba(labels: np.ndarray) -> Image.Image:
    """Transparent where there is no object."""
    image = palette_image(labels).convert("RGBA")
    image.putalpha(Image.fromarray(np.where(labels == 0, 0, 255).astype(np.uint8)))
    return image


@pytest.mark.parametrize(
    "write",
    [
        palette_image,
        Image.fromarray,
        shuffled,
        own_palette,
        rgba,
        lambda labels: palette_image(labels).convert("RGB"),
        lambda labels: Image.fromarray(labels).convert("RGB"),
        lambda labels: Image.fromarray(labels).convert("LA"),
        lambda labels: Image.fromarray(labels.astype(np.uint16)),
    ],
    ids=["voc", "grey", "sorted", "other", "rgba", "rgb", "grey-rgb", "grey-alpha", "16-bit"],
)
def test_every_way_to_write_labels_is_read_as_meant(
    write: Callable[[np.ndarray], Image.Image], tmp_path: Path
) -> None:
    write(LABELS).save(tmp_path / "a.png")
    np.testing.assert_array_equal(MaskReader(CLASSES).read(tmp_path / "a.png"), LABELS)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_labels_of_32_bits_are_read(kind: type, tmp_path: Path) -> None:
    Image.fromarray(LABELS.astype(kind)).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(MaskReader(CLASSES).read(tmp_path / "a.tif"), LABELS)


LISTS = {
    "labelmap.txt": "# label:color_rgb\ndog:50,183,250::\nbackground:0,0,0::\ncat:250,50,83::\n",
    "label_colors.txt": "0 0 0 background\n50 183 250 dog\n250 50 83 cat\n",
    "class_dict.csv": "name,r,g,b\nbackground,0,0,0\ncat,250,50,83\ndog,50,183,250\n",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_colours_mean_what_the_list_of_the_data_set_says(name: str, mode: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(LISTS[name])
    (tmp_path / "SegmentationClass").mkdir()
    colours = np.zeros((256, 3), np.uint8)
    colours[[1, 2, 255]] = (250, 50, 83), (50, 183, 250), (224, 224, 192)
    picture = Image.fromarray(colours[LABELS])
    (picture.quantize(4) if mode == "P" else picture).save(tmp_path / "SegmentationClass/a.png")
    for root in (tmp_path, tmp_path / "SegmentationClass"):
        read = MaskReader(CLASSES, root).read(tmp_path / "SegmentationClass/a.png")
        np.testing.assert_array_equal(read, LABELS)


@pytest.mark.parametrize(
    "text",
    ["dog\ncat\n", "_background_\ndog\ncat\n", "__ignore__\n_background_\nDog\nCAT\n", "1 dog\n2 cat\n"],
)
def test_classes_of_another_order_are_matched_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text(text)
    Image.fromarray(LABELS).save(tmp_path / "a.png")
    read = MaskReader(CLASSES, tmp_path).read(tmp_path / "a.png")
    np.testing.assert_array_equal(read, np.array([0, 2, 1], np.uint8)[LABELS % 255] + (LABELS == 255) * 255)


def test_numbered_classes_need_not_be_the_first_ones(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("0: background\n7: cat\n19: dog\n")
    Image.fromarray(np.array([0, 7, 19], np.uint8)[LABELS % 255]).save(tmp_path / "a.png")
    read = MaskReader(CLASSES, tmp_path).read(tmp_path / "a.png")
    np.testing.assert_array_equal(read, LABELS % 255)
    Image.fromarray(np.full((4, 4), 8, np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"b\.png has the value 8"):
        MaskReader(CLASSES, tmp_path).read(tmp_path / "b.png")


def spoilt(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(change(LABELS.copy())).save(path)


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (spoilt(lambda labels: labels + (labels == 2).astype(np.uint8) * 75), "has the label 77"),
        (spoilt(lambda labels: labels.astype(np.uint16) * 257), "holds 65535"),
        (lambda path: Image.fromarray(LABELS.astype(np.int32) - 1).save(path, "TIFF"), "holds -1"),
        (
            spoilt(lambda labels: np.stack([labels, labels + 1, labels + 9], 2)),
            "has the colour",
        ),
        (lambda path: palette_image(LABELS).convert("RGB").save(path, "JPEG"), "is a JPEG"),
        (
            lambda path: save_mask(path, np.zeros((30, 20), np.uint8)),
            "is 20×30 but its photo a.jpg is 30×20",
        ),
        (lambda path: save_mask(path, np.zeros((40, 60), np.uint8)), "is 60×40 but its photo a.jpg is 30×20"),
        (lambda path: path.write_bytes(b"x" * 99), "is not an image"),
        (lambda path: path.touch(), "is empty"),
    ],
)
def test_what_is_no_mask_of_this_photo_is_named(
    write: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg")
    write(tmp_path / "a.png")
    with pytest.raises(DataError, match=f"a\\.png {says}"):
        MaskReader(CLASSES).read(tmp_path / "a.png", tmp_path / "a.jpg")


def test_a_colour_that_the_list_does_not_know_is_named(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text("background:0,0,0::\ncat:250,50,83::\n")
    colours = np.array([[0, 0, 0], [1, 2, 3], [250, 50, 83]], np.uint8)
    for image in (Image.fromarray(colours[LABELS % 255]), Image.fromarray(colours[LABELS % 255]).quantize(3)):
        image.save(tmp_path / "a.png")
        with pytest.raises(DataError, match=r"a\.png .*1,2,3"):
            MaskReader(CLASSES, tmp_path).read(tmp_path / "a.png")


def test_a_class_that_is_not_asked_for_is_named(tmp_path: Path) -> None:
    (tmp_path / "labelmap.txt").write_text("background:0,0,0::\ncat:128,0,0::\nzebra:0,128,0::\n")
    save_mask(tmp_path / "a.png", LABELS)
    with pytest.raises(DataError, match=r"a\.png shows 'zebra'"):
        MaskReader(CLASSES, tmp_path).read(tmp_path / "a.png")


def test_a_mask_made_on_the_photo_as_it_is_stored_is_turned_with_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    save_mask(tmp_path / "stored.png", LABELS)
    save_mask(tmp_path / "upright.png", np.rot90(LABELS, 3).copy())
    Image.fromarray(LABELS).save(tmp_path / "tagged.png", exif=exif)
    for name in ("stored", "upright", "tagged"):
        read = MaskReader(CLASSES).read(tmp_path / f"{name}.png", tmp_path / "a.jpg")
        np.testing.assert_array_equal(read, np.rot90(LABELS, 3))
