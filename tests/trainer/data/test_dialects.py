"""Tags and layouts as other tools write them: one odd entry costs that entry; what is not read is said."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.images import save_mask
from trainer.data.project import Project
from trainer.data.source import open_source
from trainer.errors import DataError

XML = "<annotation><object><name>{}</name></object></annotation>"


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4)).save(path)
    return path


def tags_of(folder: Path, split: str = "train") -> dict[str, tuple[str, ...] | None]:
    return {item.id: item.tags for item in open_source(folder, split).items}


@pytest.mark.parametrize("folder", ["", "train", "valid/deep"])
def test_annotations_beside_the_photos_are_read(folder: str, tmp_path: Path) -> None:
    photo(tmp_path / folder / "a.jpg").with_suffix(".xml").write_text(XML.format("cat"))
    photo(tmp_path / "b.jpg")
    source = open_source(tmp_path)
    assert {item.image_path.name: item.tags for item in source.items} == {"a.jpg": ("cat",), "b.jpg": None}


def test_an_odd_name_in_xml_costs_that_name(tmp_path: Path) -> None:
    for name, tag in (("a", "tv/monitor"), ("b", "cat"), ("c", "   ")):
        photo(tmp_path / "JPEGImages" / f"{name}.jpg")
        (tmp_path / "Annotations").mkdir(exist_ok=True)
        (tmp_path / "Annotations" / f"{name}.xml").write_text(XML.format(tag))
    source = open_source(tmp_path)
    assert {item.id: item.tags for item in source.items} == {"a": None, "b": ("cat",), "c": ()}
    assert any("'tv/monitor'" in problem and problem.endswith(": a") for problem in source.problems)


def test_lists_may_name_photos_by_their_paths(tmp_path: Path) -> None:
    for name in ("a", "my photo"):
        photo(tmp_path / "JPEGImages" / f"{name}.jpg")
    lists = tmp_path / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("JPEGImages/a.jpg\nmy photo\nghost\n")
    (lists / "cat_train.txt").write_text("a\t+1\nmy photo\t-1\nodd\n")
    source = open_source(tmp_path)
    assert {item.id: item.tags for item in source.items} == {"a": ("cat",), "my photo": ()}
    assert ["ghost" in source.problems[0], "cat_train.txt, line 3" in source.problems[1]] == [True, True]


def test_capitals_make_no_other_class(tmp_path: Path) -> None:
    for name in "abc":
        photo(tmp_path / f"{name}.jpg")
    (tmp_path / "tags.csv").write_text("image,tags\na,Dog Zebra\nb,dog zebra\nc,ZEBRA zebra\n")
    source = open_source(tmp_path)
    assert source.classes.names == ("dog", "zebra")
    assert [item.tags for item in source.items] == [("dog", "zebra"), ("dog", "zebra"), ("zebra",)]
    assert any("'Dog' is taken for 'dog'" in problem for problem in source.problems)
    (tmp_path / "classes.txt").write_text("Zebra\nDOG\n")
    assert open_source(tmp_path).items[0].tags == ("DOG", "Zebra")


def test_tags_of_classes_that_a_project_does_not_know_are_said_with_their_line(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    Project.open_folder(tmp_path).close()
    (tmp_path / "tags.csv").write_text("image,tags\na,zebra\n")
    with closing(Project.open(tmp_path)) as project:
        (problem,) = project.problems
        assert "tags.csv, line 2: the tag 'zebra' is not in the class list" in problem
        project.add_class("zebra")
        project.rescan()
        assert project.record("a").tags == ("zebra",) and not project.problems


def test_an_odd_tag_in_a_project_is_said(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    Project.open_folder(tmp_path).close()
    (tmp_path / "tags.csv").write_text("image,tags\na,tv/monitor\n")
    with closing(Project.open(tmp_path)) as project:
        assert any("tags.csv, line 2" in problem for problem in project.problems)
        assert not project.record("a").tagged


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("a.json", "labelme"),
        ("_annotations.coco.json", "COCO"),
        ("annotations/x.json", "COCO"),
        ("a.txt", "YOLO"),
    ],
)
def test_annotations_of_other_tools_are_not_passed_over_in_silence(
    name: str, tool: str, tmp_path: Path
) -> None:
    photo(tmp_path / "a.jpg")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("{}")
    (problem,) = open_source(tmp_path).problems
    assert tool in problem and "import" in problem


def test_pictures_that_are_not_read_are_said(tmp_path: Path) -> None:
    for name in ("b.heic", "c.HEIC"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"\.(heic|HEIC) and others of its kind \(2 in all\) are not read"):
        open_source(tmp_path)
    photo(tmp_path / "a.jpg")
    (problem,) = open_source(tmp_path).problems
    assert "2 in all" in problem and "convert" in problem


def test_masks_beside_images_are_no_photos(tmp_path: Path) -> None:
    photo(tmp_path / "images/a.jpg")
    photo(tmp_path / "masks/a.png")
    assert list(tags_of(tmp_path)) == ["images/a"]
    photo(tmp_path / "flat/a.jpg")
    photo(tmp_path / "flat/a_mask.png")
    photo(tmp_path / "flat/b_mask.png")
    assert list(tags_of(tmp_path / "flat")) == ["a", "b_mask"]


def test_a_table_may_name_the_photos_of_a_tree_by_their_paths(tmp_path: Path) -> None:
    photo(tmp_path / "JPEGImages/a.jpg")
    (tmp_path / "tags.csv").write_text("image,tags\nJPEGImages/a.jpg,cat\n")
    assert tags_of(tmp_path) == {"a": ("cat",)}


def test_names_as_long_as_names_can_be_are_kept(tmp_path: Path) -> None:
    name = "ä" * 100 + "x" * 50
    save_mask(tmp_path / f"{name}.png", np.zeros((4, 4), np.uint8))
    assert (tmp_path / f"{name}.png").is_file()
    photo(tmp_path / "photos/a.jpg")
    (tmp_path / "photos/tags.csv").write_text(f"image,tags\na,cat {'x' * 250}\n")
    source = open_source(tmp_path / "photos")
    assert source.items[0].tags == ("cat",) and "cannot name a class" in source.problems[0]


def test_a_list_of_a_sample_counts_as_before(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    (tmp_path / "tags.csv").write_text("image,tags\na,\n")
    assert tags_of(tmp_path) == {"a": ()}
    assert open_source(tmp_path).classes == ClassList.voc()
