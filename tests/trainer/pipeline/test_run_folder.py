import pytest

from trainer.errors import DataError
from trainer.pipeline.run_folder import RunFolder


def test_another_key_empties_the_folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.bind({"seed": 0})
    folder.add_seconds("cam", 2)
    folder.bind({"seed": 0})
    assert folder.seconds() == {"cam": 2}
    folder.bind({"seed": 1})
    assert folder.seconds() == {}


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/marathon.gpx").write_text("mine")
    with pytest.raises(DataError, match="files of others"):
        RunFolder(tmp_path / "run").bind({"seed": 0})
    assert (tmp_path / "run/marathon.gpx").read_text() == "mine"


def test_an_array_that_lost_its_bytes_is_named(tmp_path):
    folder = RunFolder(tmp_path / "run")
    (tmp_path / "run" / "cam").mkdir(parents=True)
    (tmp_path / "run" / "cam" / "a.npy").touch()
    with pytest.raises(DataError, match=r"a\.npy is damaged"):
        folder.array("cam", "a")
