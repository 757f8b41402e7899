"""What COCO, labelme and YOLO exports hold, read by the programs they are for, or as those document it."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from trainer.data.classes import ClassList
from trainer.data.export import write_data_set
from trainer.data.formats.coco import CocoWriter
from trainer.data.formats.labelme import LabelmeWriter
from trainer.data.formats.registry import WRITERS
from trainer.data.formats.yolo import YoloWriter
from trainer.data.images import image_size

CLASSES = ClassList(("cat", "big cup"))
UNDECIDED = "this format knows no undecided pixels; they are background now in 1 images"


@pytest.fixture
def objects(entries):
    """The photos with objects that touch, have holes with objects in them, and are one pixel small."""
    mask = entries[0].mask.copy()
    mask[100:180, 100:200] = 1
    mask[110:170, 120:180] = 0
    mask[120:160, 130:160] = 2
    mask[130:140, 140:145] = 1
    mask[120:122, 130:132] = 255
    mask[50, 300] = 2
    mask[60, 300:340] = 2
    tagged = [
        replace(entry, tags=tuple(tag.replace("cup", "big cup") for tag in entry.tags)) for entry in entries
    ]
    return [replace(tagged[0], mask=mask), *tagged[1:]]


def decided(mask):
    return np.where(mask == 255, 0, mask)


def photos_below(folder):
    return {
        path.relative_to(folder).with_suffix("").as_posix(): image_size(path)
        for path in folder.rglob("*.jpg")
    }


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_the_same_entries_give_the_same_bytes_in_any_order(tmp_path, objects, writer):
    def written(folder, entries):
        write_data_set(writer, folder, entries, CLASSES)
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert written(tmp_path / "one", objects) == written(tmp_path / "two", reversed(objects))


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_photos_lie_where_the_format_says_and_stand_upright(tmp_path, objects, writer):
    write_data_set(writer, tmp_path / "out", objects, CLASSES)
    folder = tmp_path / "out" / writer.photo_folder
    sizes = {
        name.removeprefix("train/").removeprefix("val/"): size for name, size in photos_below(folder).items()
    }
    assert sizes == {"upright": (300, 451), "turned": (451, 300), "sub/cat": (300, 451)}


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_pycocotools_reads_every_pixel_and_class(tmp_path, objects):
    coco = pytest.importorskip("pycocotools.coco")
    assert write_data_set(CocoWriter, tmp_path / "out", objects, CLASSES) == [UNDECIDED]
    found = {}
    for split in ("train", "val"):
        data = coco.COCO(str(tmp_path / f"out/annotations/instances_{split}.json"))
        assert {number: each["name"] for number, each in data.cats.items()} == {1: "cat", 2: "big cup"}
        for number, image in data.imgs.items():
            mask = np.zeros((image["height"], image["width"]), np.uint8)
            for each in data.imgToAnns[number]:
                inside = data.annToMask(each).astype(bool)
                assert not mask[inside].any() and each["area"] == inside.sum() and each["iscrowd"] == 0
                rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
                assert each["bbox"] == [columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]
                mask[inside] = each["category_id"]
            found[image["file_name"]] = split, mask
    assert set(found) == {"upright.jpg", "turned.jpg", "sub/cat.jpg"}
    for entry in objects:
        split, mask = found[f"{entry.id}.jpg"]
        assert split == entry.split
        np.testing.assert_array_equal(mask, decided(entry.mask))


def test_coco_numbers_and_forms_are_as_documented(tmp_path, objects):
    write_data_set(CocoWriter, tmp_path / "out", objects, CLASSES)
    data = json.loads((tmp_path / "out/annotations/instances_train.json").read_text(encoding="utf-8"))
    assert [image["id"] for image in data["images"]] == [1, 2]
    assert [each["id"] for each in data["annotations"]] == list(range(1, len(data["annotations"]) + 1))
    forms = [type(each["segmentation"]) for each in data["annotations"]]
    assert set(forms) == {list, dict}  # polygons, and run lengths where there are holes
    assert all(each["image_id"] == 2 for each in data["annotations"])  # "upright": "sub/cat" shows nothing


LABELME = """
import json, sys
import numpy as np
from pathlib import Path
from labelme._label_file import read_label_file
from labelme.utils import img_data_to_pil
from labelme.utils.shape import shapes_to_label
out, values = Path(sys.argv[1]), json.loads(sys.argv[2])
for path in out.rglob("*.json"):
    data = read_label_file(str(path))
    size = img_data_to_pil(data.image_data).size[::-1]
    np.save(path.with_suffix(".npy"), shapes_to_label(size, data.shapes, values)[0])
"""


def test_labelme_itself_makes_the_very_same_masks(tmp_path, objects):
    out = tmp_path / "out"
    assert write_data_set(LabelmeWriter, out, objects, CLASSES) == []
    names = (out / "labels.txt").read_text(encoding="utf-8").splitlines()
    assert names == ["__ignore__", "_background_", "cat", "big cup"]  # as its exporters number them, from -1
    values = {name: number for number, name in enumerate(names, start=-1)}
    ran = subprocess.run(
        [sys.executable, "-c", LABELME, str(out), json.dumps(values)], capture_output=True, text=True
    )
    if "No module named 'labelme" in ran.stderr:
        pytest.skip("labelme is not installed")
    assert ran.returncode == 0, ran.stderr
    for entry in objects:
        labels = np.load(out / f"{entry.id}.npy")
        np.testing.assert_array_equal(labels.astype(np.uint8), entry.mask)  # it writes -1 as 255, too


def test_labelme_files_flag_the_tags_and_name_the_photo_beside_them(tmp_path, objects):
    write_data_set(LabelmeWriter, tmp_path / "out", objects, CLASSES)
    data = json.loads((tmp_path / "out/sub/cat.json").read_text(encoding="utf-8"))
    assert data["flags"] == {"cat": False, "big cup": True}
    assert (data["imagePath"], data["imageData"], data["shapes"]) == ("cat.jpg", None, [])


def yolo_labels(root, split, image_id, size, to_pixels):
    """The labels as programs read them: shares of the size, made pixels, filled by OpenCV."""
    cv2 = pytest.importorskip("cv2")
    canvas = np.zeros(size, np.uint8)
    for line in (root / "labels" / split / f"{image_id}.txt").read_text().splitlines():
        number, *shares = line.split()
        points = np.array(shares, np.float32).reshape(-1, 2) * size[::-1]
        assert len(points) >= 3 and (points >= 0).all() and (points <= size[::-1]).all()
        cv2.fillPoly(canvas, [to_pixels(points).astype(np.int32)], int(number) + 1)
    return canvas


@pytest.mark.parametrize("to_pixels", [np.trunc, np.round], ids=["ultralytics", "supervision"])
def test_opencv_fills_yolo_polygons_to_the_same_masks(tmp_path, objects, to_pixels):
    out = tmp_path / "out"
    assert write_data_set(YoloWriter, out, objects, CLASSES) == [UNDECIDED]
    for entry in objects:
        assert (out / "images" / entry.split / f"{entry.id}.jpg").is_file()
        labels = yolo_labels(out, entry.split, entry.id, entry.mask.shape, to_pixels)
        np.testing.assert_array_equal(labels, decided(entry.mask))


def test_data_yaml_names_classes_and_splits(tmp_path, objects):
    yaml = pytest.importorskip("yaml")
    write_data_set(YoloWriter, tmp_path / "out", objects, CLASSES)
    read = yaml.safe_load((tmp_path / "out/data.yaml").read_text(encoding="utf-8"))
    assert read == {"train": "images/train", "val": "images/val", "names": {0: "cat", 1: "big cup"}}
    write_data_set(YoloWriter, tmp_path / "val", objects[1:2], ClassList(("на 'x'", "no")))
    read = yaml.safe_load((tmp_path / "val/data.yaml").read_text(encoding="utf-8"))
    assert (read["train"], read["val"]) == ("images/val", "images/val")
    assert read["names"] == {0: "на 'x'", 1: "no"}
