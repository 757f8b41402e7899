"""What a VOC tree of ours holds, read by others."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.export import write_data_set
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.images import load_image, load_mask
from trainer.data.palette import voc_palette
from trainer.data.source import open_source

CLASSES = ClassList(("cat", "cup"))


def test_masks_read_back_bit_for_bit_with_pillow_alone(tmp_path, entries):
    assert write_data_set(VocWriter, tmp_path / "out", entries, CLASSES) == []
    for entry in entries:
        with Image.open(tmp_path / "out/SegmentationClass" / f"{entry.id}.png") as image:
            assert image.mode == "P"
            np.testing.assert_array_equal(np.asarray(image), entry.mask)
            np.testing.assert_array_equal(np.reshape(image.getpalette(), (-1, 3)), voc_palette())


def test_upright_jpegs_are_copied_and_others_made_upright(tmp_path, entries):
    write_data_set(VocWriter, tmp_path / "out", entries, CLASSES)
    images = tmp_path / "out/JPEGImages"
    assert (images / "upright.jpg").read_bytes() == entries[0].image_path.read_bytes()
    for entry in entries:
        with Image.open(images / f"{entry.id}.jpg") as image:
            assert image.format == "JPEG"
            assert image.size == entry.mask.shape[::-1]
            stored = np.asarray(image).astype(int)
        assert np.abs(stored - load_image(entry.image_path)).mean() < 2


def test_lists_name_splits_and_classes(tmp_path, entries):
    write_data_set(VocWriter, tmp_path / "out", entries, CLASSES)
    folder = tmp_path / "out/ImageSets"
    lists = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.txt")}
    assert lists["Segmentation/train.txt"] == "sub/cat\nupright\n"
    assert lists["Segmentation/val.txt"] == "turned\n"
    assert lists["Segmentation/trainval.txt"] == "sub/cat\nturned\nupright\n"
    assert lists["Main/cat_train.txt"] == "sub/cat -1\nupright  1\n"
    assert lists["Main/cup_trainval.txt"] == "sub/cat  1\nturned  1\nupright -1\n"
    labelmap = (tmp_path / "out/labelmap.txt").read_text().splitlines()
    assert labelmap[-4:] == [
        "background:0,0,0::",
        "cat:128,0,0::",
        "cup:0,128,0::",
        "ignored:224,224,192::",
    ]
    assert ClassList.from_file(tmp_path / "out/labelmap.txt").names == ("cat", "cup")


def test_a_class_of_the_name_of_undecided_pixels_is_still_a_class(tmp_path, entries):
    classes = ClassList(("cat", "ignored", "cup"))
    entries = [replace(entry, mask=np.where(entry.mask == 2, np.uint8(1), entry.mask)) for entry in entries]
    write_data_set(VocWriter, tmp_path / "out", entries, classes)
    assert ClassList.from_file(tmp_path / "out/labelmap.txt") == classes


def test_an_image_of_which_nothing_is_known_is_in_no_list(tmp_path, entries):
    untagged = replace(entries[2], tags=None)
    write_data_set(VocWriter, tmp_path / "out", [*entries[:2], untagged], CLASSES)
    lists = [path.read_text() for path in (tmp_path / "out/ImageSets").rglob("*.txt")]
    assert not any("sub/cat" in text for text in lists)
    assert (tmp_path / "out/SegmentationClass/sub/cat.png").is_file()


def test_annotations_box_each_connected_area(tmp_path, entries):
    write_data_set(VocWriter, tmp_path / "out", entries, CLASSES)
    root = ElementTree.parse(tmp_path / "out/Annotations/upright.xml").getroot()
    assert [root.findtext(f"size/{side}") for side in ("width", "height")] == ["451", "300"]
    boxes = [
        [int(found.findtext(f"bndbox/{side}")) for side in ("xmin", "ymin", "xmax", "ymax")]
        for found in root.iter("object")
    ]
    assert boxes == [[21, 11, 100, 60], [6, 201, 15, 300]]
    assert [found.findtext("truncated") for found in root.iter("object")] == ["0", "1"]


def test_an_export_opens_as_a_data_set(tmp_path, entries):
    write_data_set(VocWriter, tmp_path / "out", entries, CLASSES)
    source = open_source(tmp_path / "out", "trainval")
    assert source.classes == CLASSES
    assert {item.id: item.tags for item in source.items} == {
        "sub/cat": ("cup",),
        "turned": ("cup",),
        "upright": ("cat",),
    }
    np.testing.assert_array_equal(load_mask(source.items[1].truth_path), entries[1].mask)
