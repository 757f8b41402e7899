from pathlib import PurePosixPath

import pytest

from trainer.data.tags import read_tags_csv, write_tags_csv
from trainer.errors import DataError

IDS = {PurePosixPath("a.jpg"): "a", PurePosixPath("sub/b.png"): "sub/b"}


def read(tmp_path, text):
    problems = []
    (tmp_path / "tags.csv").write_text(text, encoding="utf-8")
    return read_tags_csv(tmp_path / "tags.csv", IDS, problems), problems


def test_tags_are_separated_by_spaces_or_semicolons(tmp_path):
    assert read(tmp_path, "image,tags\na,cat  dog\nsub/b,potted plant; cup\n") == (
        {"a": ("cat", "dog"), "sub/b": ("potted plant", "cup")},
        [],
    )


def test_spread_sheets_add_marks_columns_and_capitals(tmp_path):
    tags, problems = read(tmp_path, '\ufeffImage, Tags ,by\n"a.jpg","cat",me\n')
    assert (tags, problems) == ({"a": ("cat",)}, [])


def test_odd_rows_are_reported_and_the_rest_is_used(tmp_path):
    tags, problems = read(tmp_path, "image,tags\na,cat cat\nghost,dog\na,dog\n")
    assert tags == {"a": ("cat", "dog")}
    assert [("line 2" in problems[0]), ("ghost" in problems[1]), ("line 4" in problems[2])] == [True] * 3


def test_tags_in_cells_of_their_own_are_reported(tmp_path):
    tags, problems = read(tmp_path, "image,tags\na,cat,dog\nsub/b,cup,,\n")
    assert tags == {"a": ("cat",), "sub/b": ("cup",)}
    assert "line 2" in problems[0] and "spaces" in problems[0] and len(problems) == 1


@pytest.mark.parametrize("text", ["", "a,cat\n", "photo;tags\na;cat\n"])
def test_a_file_without_the_two_columns_is_refused(tmp_path, text):
    with pytest.raises(DataError, match=r"tags\.csv"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "row",
    ['"bird, person"', "bird|person", "bird;person", "bird person", '"bird ; person"', "bird,person"],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_dialects_of_spread_sheets_are_read(tmp_path, delimiter, row):
    if delimiter in row and '"' not in row:
        pytest.skip("such a row has more cells")
    tags, problems = read(tmp_path, f"image{delimiter}tags\r\n./a.jpg{delimiter}{row}\r\n")
    assert (tags, problems) == ({"a": ("bird", "person")}, [])


def test_a_tag_that_can_name_no_class_costs_that_tag(tmp_path):
    tags, problems = read(tmp_path, "image,tags\na,tv/monitor cat\nsub/b,tv/monitor\n")
    assert tags == {"a": ("cat",)}
    assert ["line 2" in problems[0], "line 3" in problems[1]] == [True, True]
    assert all("tags.csv" in problem and "'tv/monitor'" in problem for problem in problems)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "tags.csv").write_bytes("image,tags\nä,cat\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"tags\.csv.*UTF-8"):
        read_tags_csv(tmp_path / "tags.csv", IDS, [])


def test_what_is_written_is_read_back(tmp_path):
    tags = {"a": ("cat", "potted plant"), "sub/b": ("potted plant",)}
    write_tags_csv(tmp_path / "tags.csv", tags)
    assert read_tags_csv(tmp_path / "tags.csv", IDS, []) == tags
