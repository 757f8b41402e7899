import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.images import load_image, load_mask, save_mask
from trainer.data.source import open_source
from trainer.errors import DataError


def photo(path, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def tags_of(source):
    return {item.id: item.tags for item in source.items}


def test_a_voc_tree_gives_the_images_tags_and_truth_of_its_split(voc_tree):
    source = open_source(voc_tree)
    assert tags_of(source) == {"one": ("cat",), "two": ("dog", "person"), "three": ()}
    assert [item.id for item in source.items] == ["one", "two", "three"]
    assert (source.split, source.problems, source.classes) == ("train", [], ClassList.voc())
    first = source.items[0]
    assert load_image(first.image_path).shape == (40, 60, 3)
    assert set(np.unique(load_mask(first.truth_path))) == {0, 8, 255}
    assert tags_of(open_source(voc_tree, "val")) == {"four": ("person",)}


def test_all_takes_every_image_of_a_tree_with_the_tags_of_every_list(voc_tree):
    photo(voc_tree / "JPEGImages/new.png")
    everything = tags_of(open_source(voc_tree, "all"))
    assert everything == {
        "four": ("person",),
        "new": None,
        "one": ("cat",),
        "three": (),
        "two": ("dog", "person"),
    }


def test_a_split_that_the_tree_lacks_is_an_error_that_names_those_it_has(voc_tree):
    with pytest.raises(DataError, match=r"test.*train, val"):
        open_source(voc_tree, "test")


def test_tags_come_from_annotations_where_there_are_no_lists(voc_tree):
    shutil.rmtree(voc_tree / "ImageSets")
    (voc_tree / "Annotations").mkdir()
    objects = "".join(f"<object><name>{name}</name></object>" for name in ("dog", "cat", "dog"))
    (voc_tree / "Annotations/two.xml").write_text(f"<annotation>{objects}</annotation>")
    (voc_tree / "Annotations/one.xml").write_text("<annotation><object>")
    source = open_source(voc_tree)
    assert tags_of(source) == {"four": None, "one": None, "three": None, "two": ("dog", "cat")}
    assert [problem for problem in source.problems if "one.xml" in problem]


def test_listed_images_without_a_file_are_reported_and_the_rest_goes_on(voc_tree):
    (voc_tree / "JPEGImages/two.jpg").unlink()
    source = open_source(voc_tree)
    assert [item.id for item in source.items] == ["one", "three"]
    assert "two" in source.problems[0]


def test_a_list_without_flags_is_reported_once_and_the_rest_goes_on(voc_tree):
    (voc_tree / "ImageSets/Main").mkdir(exist_ok=True)
    (voc_tree / "ImageSets/Main/small_train.txt").write_text("one\ntwo\n")
    source = open_source(voc_tree)
    assert tags_of(source) == {"one": ("cat",), "two": ("dog", "person"), "three": ()}
    (problem,) = source.problems
    assert "small_train.txt" in problem


def test_a_list_that_leaves_the_folder_is_refused(voc_tree):
    (voc_tree / "ImageSets/Segmentation/train.txt").write_text("../../secret\n")
    with pytest.raises(DataError, match="secret"):
        open_source(voc_tree)


def test_a_plain_folder_has_untagged_images_in_natural_order(tmp_path):
    for name in ("img10.png", "img2.png", "sub/img1.JPG", ".hidden.png", "affinity-project/cache.png"):
        photo(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    source = open_source(tmp_path)
    assert tags_of(source) == {"img2": None, "img10": None, "sub/img1": None}
    assert source.classes == ClassList.voc()


def test_tags_csv_tags_the_images_it_names(tmp_path):
    for name in ("a.png", "b.jpg", "sub/c.png", "d.png"):
        photo(tmp_path / name)
    (tmp_path / "tags.csv").write_text("image,tags\na,cat dog\nb.jpg,\nsub/c.png,person\n")
    assert tags_of(open_source(tmp_path)) == {"a": ("cat", "dog"), "b": (), "d": None, "sub/c": ("person",)}


def test_equal_stems_are_two_images_that_tags_csv_can_tell_apart(tmp_path):
    photo(tmp_path / "cat.jpg")
    photo(tmp_path / "cat.png")
    (tmp_path / "tags.csv").write_text("image,tags\ncat.jpg,cat\ncat.png,dog\n")
    assert tags_of(open_source(tmp_path)) == {"cat": ("cat",), "cat_png": ("dog",)}


@pytest.mark.parametrize(("on_disk", "in_list"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
@pytest.mark.parametrize("kind", ["tags.csv", "with suffix", "Main", "Annotations"])
def test_names_are_the_same_in_either_form_of_unicode(tmp_path, kind, on_disk, in_list):
    name = "café/tür"
    stem, listed = unicodedata.normalize(on_disk, name), unicodedata.normalize(in_list, name)
    is_tree = kind in ("Main", "Annotations")
    photo(tmp_path / ("JPEGImages" if is_tree else ".") / f"{stem}.png")
    file, text = {
        "tags.csv": ("tags.csv", f"image,tags\n{listed},cat\n"),
        "with suffix": ("tags.csv", f"image,tags\n{listed}.png,cat\n"),
        "Main": ("ImageSets/Main/cat_train.txt", f"{listed} 1\n"),
        "Annotations": (
            f"Annotations/{listed}.xml",
            "<annotation><object><name>cat</name></object></annotation>",
        ),
    }[kind]
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text, encoding="utf-8")
    save_mask(tmp_path / "SegmentationClass" / f"{listed}.png", np.zeros((4, 6), np.uint8))
    source = open_source(tmp_path)
    assert (tags_of(source), source.problems) == ({name: ("cat",)}, [])
    assert load_image(source.items[0].image_path).shape == (4, 6, 3)
    assert load_mask(source.items[0].truth_path).shape == (4, 6)


def test_classes_are_the_tags_where_voc_does_not_cover_them(tmp_path):
    photo(tmp_path / "a.png")
    (tmp_path / "tags.csv").write_text("image,tags\na,zebra cup\n")
    assert open_source(tmp_path).classes == ClassList(("cup", "zebra"))


def test_the_folder_s_own_class_list_wins_and_unknown_tags_are_reported(tmp_path):
    photo(tmp_path / "a.png")
    (tmp_path / "classes.txt").write_text("zebra\ncup\n")
    (tmp_path / "tags.csv").write_text("image,tags\na,zebra unicorn\n")
    source = open_source(tmp_path)
    assert source.classes == ClassList(("zebra", "cup"))
    assert tags_of(source) == {"a": ("zebra",)}
    assert "unicorn" in source.problems[0]
    explicit = open_source(tmp_path, classes=ClassList(("unicorn",)))
    assert tags_of(explicit) == {"a": ("unicorn",)}


def test_damaged_images_are_reported_and_the_rest_goes_on(tmp_path):
    photo(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8 not really")
    (tmp_path / "empty.png").touch()
    source = open_source(tmp_path)
    assert [item.id for item in source.items] == ["good"]
    assert len(source.problems) == 2
    assert "bad.jpg" in source.problems[0]
    assert "empty.png" in source.problems[1]


def test_what_is_no_data_set_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        open_source(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no images"):
        open_source(tmp_path / "empty")


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "count"), [("msrc", 237), ("coco", 277)])
def test_real_sets_open_whole(shared, name, count):
    source = open_source(shared / "data" / name)
    assert (len(source.items), source.problems, source.classes) == (count, [], ClassList.voc())
    assert all(item.tags and item.truth_path for item in source.items)
