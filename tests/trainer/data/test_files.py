"""Files from outside: what is no plain file, no text, no JSON is named; numbers that are none are null."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from trainer.data.atomic import check_writable, write_atomically
from trainer.data.classes import ClassList
from trainer.data.files import MOST_TEXT, json_text, read_json, read_text
from trainer.data.images import image_size, load_image, load_mask
from trainer.errors import DataError

PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")


def test_text_of_a_spread_sheet_is_read(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file.write_text("größe\n", encoding=encoding)
        assert read_text(file, "the list") == "größe\n"


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"cat\0dog", b"x" * (MOST_TEXT + 1)])
def test_what_is_no_text_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError, match=r"list\.txt"):
        read_text(tmp_path / "list.txt", "the list")


@PIPES
def test_a_pipe_or_a_device_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    for path in (tmp_path / "a.png", Path("/dev/zero")):
        for read in (load_image, load_mask, image_size, ClassList.from_file):
            with pytest.raises(DataError, match=re.escape(f"{path} is a pipe or a device")):
                read(path)


def test_json_that_is_none_is_named(tmp_path: Path) -> None:
    for content in ("{", "[" * 100_000):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(DataError, match=r"run\.json"):
            read_json(tmp_path / "run.json", "the record")


def test_json_holds_numbers_that_every_reader_knows() -> None:
    record = {"a": [float("nan"), float("inf"), np.float32("nan"), np.int64(3)], "b": (1.5, "\udcff")}
    assert json.loads(json_text(record)) == {"a": [None, None, None, 3], "b": [1.5, "\udcff"]}
    assert json_text("Größe") == '"Größe"'


def test_an_error_in_a_class_list_tells_its_line(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("cat\n\ndog/\n")
    with pytest.raises(DataError, match=r"classes\.txt, line 3"):
        ClassList.from_file(tmp_path / "classes.txt")


@PIPES
def test_only_a_file_gives_way_to_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(DataError, match=name):
            check_writable(tmp_path / name)
        with pytest.raises(DataError, match=name), write_atomically(tmp_path / name) as temporary:
            temporary.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]
