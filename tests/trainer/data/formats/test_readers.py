"""Masks as other programs write them are read as those programs mean them."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.formats.reading import members
from trainer.data.formats.registry import format_of, open_masks
from trainer.data.images import save_mask
from trainer.data.palette import voc_palette
from trainer.errors import DataError

CLASSES = ClassList(("cat", "dog"))
SHAPE = (12, 16)


def box(y0, x0, y1, x1):
    inside = np.zeros(SHAPE, bool)
    inside[y0:y1, x0:x1] = True
    return inside


def read(path, photo=None, classes=None, picture=None):
    """The labels of one mask as (name → where), with the tags; names of labels that do not occur left out."""
    reader = open_masks(path, None, classes)
    entry = next(entry for entry in reader.entries() if photo is None or entry.photo.endswith(photo))
    if picture is None:
        picture = path.parent / "photo.png"
        Image.new("RGB", SHAPE[::-1]).save(picture)
    mask = reader.read(entry, picture, CLASSES)
    names = {255: "undecided"} | dict(enumerate(mask.names, start=1))
    return {names[label]: mask.labels == label for label in np.unique(mask.labels) if label}, mask.tags


def check(found, **expected):
    assert set(found) == set(expected)
    for name, inside in expected.items():
        np.testing.assert_array_equal(found[name], inside, name)


def coco(folder, objects, name="annotations/instances_val.json", **image):
    content = {
        "images": [{"id": 7, "file_name": "val\\x.jpg", **image}],
        "categories": [{"id": 3, "name": "dog"}, {"id": 90, "name": "traffic light"}],
        "annotations": [{"id": number, "image_id": 7, **each} for number, each in enumerate(objects)],
    }
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content))


def test_coco_small_objects_lie_over_large_ones_and_crowds_are_undecided(tmp_path):
    crowd = np.asfortranarray(box(0, 0, 12, 16)).ravel(order="F")
    coco(
        tmp_path,
        [
            {"category_id": 3, "area": 4, "segmentation": [[2, 2, 4, 2, 4, 4, 2, 4]]},
            {
                "category_id": 90,
                "area": 48,
                "segmentation": [[1, 1, 9, 1, 9, 7, 1, 7], [1, 1, 3, 1, 3, 7, 1, 7]],
            },
            {"category_id": 3, "iscrowd": 1, "area": 192, "segmentation": {"counts": [0, crowd.size]}},
        ],
    )
    reader = open_masks(tmp_path)
    (entry,) = reader.entries()
    assert (entry.photo, entry.split) == ("val/x.jpg", "val")
    assert reader.classes == ClassList(("dog", "traffic light"))
    dog, light = box(2, 2, 4, 4), box(1, 1, 7, 9)
    found, _ = read(tmp_path)
    check(found, **{"dog": dog, "traffic light": light & ~dog, "undecided": ~light})


def test_coco_compressed_runs_are_read(tmp_path):
    mask = pytest.importorskip("pycocotools.mask")
    text = mask.encode(np.asfortranarray(box(3, 4, 9, 11).astype(np.uint8)))["counts"].decode()
    coco(tmp_path, [{"category_id": 3, "segmentation": {"counts": text, "size": SHAPE}}], "labels.json")
    assert format_of(tmp_path) == format_of(tmp_path / "labels.json") == "coco"
    check(read(tmp_path / "labels.json")[0], dog=box(3, 4, 9, 11))


@pytest.mark.parametrize(
    ("each", "words"),
    [
        ({"category_id": 3, "bbox": [1, 1, 3, 3]}, "box and no mask"),
        ({"category_id": 3, "segmentation": {"counts": [5, 5]}}, "size"),
        ({"category_id": 3, "segmentation": {"counts": [5, float("inf")]}}, "no number"),
        ({"category_id": 3, "segmentation": {"counts": [10**30]}}, "no number"),
        ({"category_id": 5, "segmentation": [[1, 1, 5, 1, 5, 5]]}, "5"),
        ({"category_id": 3, "segmentation": [[1, 1, 5, 1, 5]]}, "cannot be read"),
        ({"category_id": 3, "segmentation": [[1, float("nan"), 5, 1, 5, 9]]}, "no number"),
        ({"category_id": 3, "segmentation": [["a", 1, 5, 1, 5, 9]]}, "cannot be read"),
    ],
)
def test_a_coco_object_that_makes_no_sense_is_named_with_its_file_and_photo(tmp_path, each, words):
    coco(tmp_path, [each])
    with pytest.raises(DataError, match=rf"instances_val\.json has an object in val/x\.jpg .*{words}"):
        read(tmp_path)


def test_a_coco_file_for_another_size_of_the_photo_is_refused(tmp_path):
    coco(tmp_path, [], height=16, width=12)
    with pytest.raises(DataError, match=r"photo of 12×16 pixels, but its photo has 16×12"):
        read(tmp_path)


@pytest.mark.parametrize(
    "text", ['{"images": [', '{"images": [], "categories": 3, "annotations": []}', '"images"']
)
def test_a_damaged_coco_file_is_named(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=r"x\.json"):
        open_masks(tmp_path, "coco")


def labelme(folder, *shapes, **more):
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": "x.jpg",
        "imageData": None,
        **more,
    }
    (folder / "x.json").write_text(json.dumps(content))


def shape(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "shape_type": kind, **more}


def test_labelme_shapes_of_all_kinds_lie_over_each_other_in_their_order(tmp_path):
    bitmap = io.BytesIO()
    Image.fromarray(box(0, 0, 2, 3)[:2, :3]).save(bitmap, "PNG")
    labelme(
        tmp_path,
        shape("dog", [[1.5, 1.2], [8.9, 1.5], [8.5, 6.5], [1.5, 6.5]]),
        shape("cat", [[4.5, 8.5], [2.5, 3.5]], "rectangle"),
        shape("_background_", [[3.5, 4.5], [3.5, 5.5]], "rectangle"),
        shape("sun", [[12, 3], [13.6, 3]], "circle"),
        shape("cup", [[10, 9], [12, 10]], "mask", mask=base64.b64encode(bitmap.getvalue()).decode()),
        shape("__ignore__", [[15.5, 0.5], [15.5, 11.5]], "rectangle"),
        flags={"dog": True, "cat": False},
        imageHeight=12,
        imageWidth=16,
    )
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\ndog\ncat\nsun\n")
    assert format_of(tmp_path) == "labelme"
    assert open_masks(tmp_path).classes == ClassList(("dog", "cat", "sun"))
    found, tags = read(tmp_path)
    assert tags == ("dog",)
    cat = box(3, 2, 9, 5)
    sun = found.pop("sun")
    assert sun[3, 12] and 9 <= sun.sum() <= 13
    check(
        found,
        dog=box(1, 1, 7, 9) & ~cat,
        cat=cat & ~box(4, 3, 6, 4),
        cup=box(9, 10, 11, 13),
        undecided=box(0, 15, 12, 16),
    )


@pytest.mark.parametrize(
    ("each", "words"),
    [
        (shape("cat", [[1, 1], [5, 5]], "line"), "a line covers no pixels"),
        (shape("cat", [[1, 1], [5, 5]]), "too few points"),
        (shape("cat", [[1, 1], [1, 999999]], "circle"), "a radius of 999998 pixels"),
        (shape("cat", [[1, 1], [float("inf"), 9]], "rectangle"), "no number"),
        (shape("cat", [[1, 1], [5, 5]], "mask", mask="AAAA"), "bitmap is damaged"),
        ({"label": "cat"}, "points"),
        ("cat", "damaged"),
    ],
)
def test_a_labelme_file_that_makes_no_sense_is_named(tmp_path, each, words):
    labelme(tmp_path, each)
    with pytest.raises(DataError, match=rf"x\.json .*{words}"):
        read(tmp_path)


def test_a_labelme_file_for_another_size_of_the_photo_is_refused(tmp_path):
    labelme(tmp_path, imageHeight=5, imageWidth=6)
    with pytest.raises(DataError, match="photo of 6×5 pixels"):
        read(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        "names: ['cat', dog]",
        "names: {0: cat, 1: 'dog'}",
        'nc: 2\nnames:\n- cat\n- "dog"\ntrain: x',
        "names:\n  0: cat\n\n  1: dog\n",
        "names: [\n  cat,\n  dog\n]\n",
    ],
)
def test_yolo_labels_are_named_by_any_form_of_yaml_list(tmp_path, names):
    (tmp_path / "valid/labels").mkdir(parents=True)
    (tmp_path / "valid/labels/x.txt").write_text("1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n")
    (tmp_path / "set.yml").write_text(names)
    reader = open_masks(tmp_path)
    assert reader.name == "yolo" and reader.classes == CLASSES
    (entry,) = reader.entries()
    assert (entry.photo, entry.split) == ("valid/images/x", "val")
    check(read(tmp_path)[0], dog=box(1, 1, 7, 9))


def test_yolo_classes_may_be_a_text_file_or_those_of_the_project(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/x.txt").write_text("0 0 0 0.99 0 0.99 0.99 0 0.99\n")
    assert set(read(tmp_path)[0]) == {"cat"}
    (tmp_path / "classes.txt").write_text("zebra\n")
    assert set(read(tmp_path)[0]) == {"zebra"}
    assert set(read(tmp_path, classes=ClassList(("cow",)))[0]) == {"cow"}


def test_yolo_points_of_few_decimals_are_the_pixels_that_were_meant(tmp_path):
    (tmp_path / "labels").mkdir()
    shares = [f"{x / 16:.3f} {y / 12:.3f}" for x, y in ((3, 2), (13, 2), (13, 7), (3, 7))]
    (tmp_path / "labels/x.txt").write_text(f"1 {' '.join(shares)}\n")
    check(read(tmp_path)[0], dog=box(2, 3, 8, 14))


@pytest.mark.parametrize(
    ("line", "words"),
    [("0 0.5 0.5 0.2 0.2", "no polygon"), ("9 0 0 1 0 1 1", "class 9"), ("0 a b c d e f", "")],
)
def test_a_yolo_line_that_makes_no_sense_is_named(tmp_path, line, words):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/x.txt").write_text(f"{line}\n")
    with pytest.raises(DataError, match=rf"x\.txt cannot be read .*{words}"):
        read(tmp_path)


def voc(folder, image, labelmap=""):
    (folder / "SegmentationClass").mkdir(parents=True, exist_ok=True)
    image.save(folder / "SegmentationClass/x.png")
    if labelmap:
        (folder / "labelmap.txt").write_text(labelmap)


def test_voc_pictures_in_colour_are_read_by_the_palette_or_the_labelmap(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 3:9], labels[7:9, 3:9], labels[0] = 1, 2, 255
    expected = {"cat": labels == 1, "dog": labels == 2, "undecided": labels == 255}
    colours = voc_palette().copy()
    voc(tmp_path / "usual", Image.fromarray(colours[labels]))
    check(read(tmp_path / "usual")[0], **expected)
    colours[1], colours[2] = (10, 20, 30), (128, 0, 0)  # another order: the labelmap says what is what
    labelmap = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ndog:128,0,0::\ncat:10,20,30::\n"
    voc(tmp_path / "own", Image.fromarray(colours[labels]), labelmap)
    check(read(tmp_path / "own")[0], **expected)
    palette = Image.fromarray(labels)
    palette.putpalette(colours.tobytes())
    voc(tmp_path / "own", palette)
    check(read(tmp_path / "own")[0], **expected)
    colours[2] = (1, 2, 3)
    voc(tmp_path / "own", Image.fromarray(colours[labels]))
    with pytest.raises(DataError, match=r"x\.png has the colour 1,2,3"):
        read(tmp_path / "own")


def test_a_voc_tree_tells_the_splits(tmp_path):
    for name in "abc":
        save_mask(tmp_path / f"SegmentationClass/{name}.png", np.zeros(SHAPE, np.uint8))
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("b\n")
    (lists / "val.txt").write_text("c\n")
    splits = {entry.photo: entry.split for entry in open_masks(tmp_path / "SegmentationClass").entries()}
    assert splits == {"a": None, "b": "train", "c": "val"}


def test_a_folder_of_masks_holds_one_object_each_or_numbers_of_a_list(tmp_path):
    (tmp_path / "images").mkdir()
    values = np.zeros(SHAPE, np.uint8)
    values[1:4, 1:6], values[4] = 255, 128
    (tmp_path / "masks").mkdir()
    Image.fromarray(values).save(tmp_path / "masks/x.png")
    assert format_of(tmp_path) == "masks"
    check(read(tmp_path)[0], object=values == 255, undecided=values == 128)
    assert set(read(tmp_path, classes=ClassList(("kidney",)))[0]) == {"kidney", "undecided"}
    values[values == 128] = 1
    Image.fromarray(values).save(tmp_path / "masks/y.png")
    check(read(tmp_path, "y")[0], cat=values == 1, undecided=values == 255)
    (tmp_path / "classes.txt").write_text("nerve\n")
    assert set(read(tmp_path, "y")[0]) == {"nerve", "undecided"}


@pytest.mark.parametrize(
    "value",
    [{}, {"a": []}, {"a": [1, [2]], "b": {"c": [3]}, "d": "x", "e": [{"f": "]}"}]}, {"a": [[]], "b": [None]}],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_members_are_those_of_json(value, indent):
    text = f" {json.dumps(value, indent=indent)}\n"
    found = list(members(text))
    assert all(json.loads(text[place]) == each for _, each, place in found)
    listed = {key: [each for name, each, _ in found if name == key] for key in value}
    assert listed == {key: each if isinstance(each, list) else [each] for key, each in value.items()}


@pytest.mark.parametrize("text", ["", "[]", '{"a" 1}', '{"a": [1 2]}', '{"a": [1', '{"a": 1', '{"a": }'])
def test_damaged_json_has_no_members(text):
    with pytest.raises(ValueError):
        list(members(text))


def test_a_mask_of_the_photo_as_it_is_stored_is_turned_with_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", SHAPE[::-1]).save(tmp_path / "turned.jpg", exif=exif)
    voc(tmp_path / "set", Image.fromarray(box(0, 0, 3, 16).astype(np.uint8)))
    found, _ = read(tmp_path / "set", picture=tmp_path / "turned.jpg")
    np.testing.assert_array_equal(found["cat"], np.arange(16)[:, None] * 0 + np.arange(12) >= 9)
