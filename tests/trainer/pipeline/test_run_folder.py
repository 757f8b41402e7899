import numpy as np
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


@pytest.mark.parametrize("theirs", ["letter.txt", "cam/a.png", "cam/one.npy", "key.json", "photo"])
def test_only_what_a_run_wrote_is_removed(theirs, tmp_path):
    folder = RunFolder(tmp_path / "run")
    if theirs != "key.json":
        folder.bind({"seed": 0})
        folder.save_array("cam", "one", np.ones((2, 3, 4)))
        folder.save_labels("seeds", "deep/one", np.ones((3, 4), np.uint8))
    path = tmp_path / "run" / theirs
    path.parent.mkdir(exist_ok=True)
    if theirs == "photo":
        (tmp_path / "photo.jpg").write_text("mine")
        path.symlink_to(tmp_path / "photo.jpg")
    else:
        path.write_text("mine")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(DataError, match=f"files of others .{theirs}"):
        folder.bind({"seed": 1})
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_what_runs_wrote_is_removed_with_what_a_kill_left(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.bind({"seed": 0})
    folder.save_array("cam", "deep/one", np.ones((2, 3, 4)))
    folder.checkpoint("classifier").write_text("so far")
    folder.model("affinity").write_text("weights")
    folder.list_model("affinity")
    (tmp_path / "run/cam/.two.npy.0123abcd.partial").write_text("half")
    folder.bind({"seed": 0})
    assert folder.has("cam", "deep/one") and not list((tmp_path / "run").rglob("*.partial"))
    folder.bind({"seed": 1})
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["files.sha256", "key.json"]


def test_a_folder_with_a_key_of_something_else_is_not_of_a_run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/key.json").write_text("{}")
    assert not RunFolder(tmp_path / "run").begun


def test_an_array_that_lost_its_bytes_is_named(tmp_path):
    folder = RunFolder(tmp_path / "run")
    (tmp_path / "run" / "cam").mkdir(parents=True)
    (tmp_path / "run" / "cam" / "a.npy").touch()
    with pytest.raises(DataError, match=r"a\.npy is damaged"):
        folder.array("cam", "a")
