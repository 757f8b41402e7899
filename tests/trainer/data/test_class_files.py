"""The lists of classes that tools write."""

from pathlib import Path

import pytest

from trainer.data.classes import ClassList
from trainer.errors import DataError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "cat\ntv monitor\n"),
        ("classes.txt", "\ufeff# a comment\r\n\r\ncat\r\n  tv monitor \r\n"),
        ("labels.txt", "__ignore__\n_background_\ncat\ntv monitor\n"),
        ("labels.txt", "Background\ncat\ntv monitor\nvoid\n"),
        ("labels.txt", "BACKGROUND\ncat\ntv monitor\nIgnored\n"),
        (
            "labelmap.txt",
            "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:1,2,3::\ntv monitor:::\n",
        ),
        ("labelmap.txt", "background:0,0,0\ncat:128,0,0\ntv monitor:0,128,0\nignored:224,224,192\n"),
        ("label_colors.txt", "0 0 0\tbackground\n128 0 0\t\tcat\n0 128 0\ttv monitor\n"),
        ("class_dict.csv", "name,r,g,b\nbackground,0,0,0\ncat,1,2,3\ntv monitor,4,5,6\n"),
        ("classes.csv", "Pixel Value, Class\n0, background\n2, tv monitor\n1, cat\n"),
        ("labels.txt", "0 background\n1 cat\n2 tv monitor\n"),
        ("labels.txt", "2: tv monitor\n1: cat\n"),
        ("labels.json", '["_background_", "cat", "tv monitor"]'),
        ("labels.json", '{"0": "background", "2": "tv monitor", "1": "cat"}'),
        ("labels.json", '{"background": 0, "cat": 1, "tv monitor": 2}'),
        ("labels.json", '{"cat": [1, 2, 3], "tv monitor": [4, 5, 6]}'),
        (
            "label_map.pbtxt",
            "item {\n id: 1\n name: 'cat'\n}\nitem {\n id: 2\n name: \"tv monitor\"\n}\n",
        ),
    ],
)
def test_the_lists_of_other_tools_give_the_same_classes(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert ClassList.from_file(tmp_path / name).names == ("cat", "tv monitor")


def test_a_digit_in_a_name_is_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("1 euro\n2 euro\n50 cent\n")
    assert ClassList.from_file(tmp_path / "classes.txt").names == ("1 euro", "2 euro", "50 cent")


@pytest.mark.parametrize("text", ["{", "[[1]]", '{"cat": null}', "[" * 9999])
def test_json_that_lists_no_classes_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(DataError, match=r"labels\.json"):
        ClassList.from_file(tmp_path / "labels.json")


@pytest.mark.parametrize("text", ["", "\n\n", "background\n", "# nothing\n"])
def test_a_list_without_a_class_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(DataError, match=r"classes\.txt: there is no class"):
        ClassList.from_file(tmp_path / "classes.txt")
