import pytest

from trainer.data.atomic import write_atomically
from trainer.errors import DataError


def test_what_was_written_is_there_afterwards_and_nothing_else(tmp_path):
    file = tmp_path / "deep" / "file.txt"
    with write_atomically(file) as temporary:
        temporary.write_text("whole")
        assert not file.exists()
    assert [path.name for path in file.parent.iterdir()] == ["file.txt"]
    assert file.read_text() == "whole"


def test_a_failure_keeps_the_former_content(tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("former")
    with pytest.raises(RuntimeError), write_atomically(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert file.read_text() == "former"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with (
        pytest.raises(DataError, match=r"cannot write .*inner\.txt"),
        write_atomically(tmp_path / "file/inner.txt"),
    ):
        pass
