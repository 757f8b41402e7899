"""Projects that lie where nothing can be written."""

import os
import shutil
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from former_versions import make_old

import main as program
from trainer.data.backup import back_up, restore
from trainer.data.images import load_mask
from trainer.data.project import Project, Status, Target
from trainer.errors import DataError

MASK = np.full((40, 60), 8, np.uint8)
BOX = (2, 3, 7, 9)
BLANK = np.full((5, 6), 255, np.uint8)


def paint(project, image_id):
    project.record_edit(image_id, Target.SEEDS, BOX, BLANK, np.full_like(BLANK, 15), "brush")


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def medium(voc_tree, monkeypatch):
    """The tree with an accepted mask, a stroke, a proposal and a model, which nothing can be written to from
    now on; even root is told so.
    """
    with closing(Project.open_folder(voc_tree)) as project:
        project.accept("one", MASK)
        paint(project, "four")
        project.store_proposal_mask("two", MASK)
        project.models_dir.mkdir()
        (project.models_dir / "v1.safetensors").write_bytes(b"a model")
        project.add_model_version(project.models_dir / "v1.safetensors", 0.5)
    access = os.access

    def refused(path, mode, **more):
        return not (mode & os.W_OK and Path(path).is_relative_to(voc_tree)) and access(path, mode, **more)

    monkeypatch.setattr(os, "access", refused)
    before = contents(voc_tree)
    yield voc_tree
    assert contents(voc_tree) == before


@pytest.mark.parametrize("way", [".", "affinity-project", "affinity-project/project.sqlite"])
def test_it_opens_for_reading_and_says_so(medium, way):
    with closing(Project.open(medium / way)) as project:
        assert project.read_only and project.file == medium / "affinity-project/project.sqlite"
        assert f"{project.file} cannot be written" in project.problems[0]
        assert "copy the folder of photos to another disk" in project.problems[0]
        assert project.record("one").status is Status.ACCEPTED and project.can_undo("four")
        np.testing.assert_array_equal(project.proposal_mask("two"), MASK)
        assert project.model_versions()[0].file.read_bytes() == b"a model"


@pytest.mark.parametrize("way", [".", "affinity-project", "affinity-project/project.sqlite"])
def test_it_is_exported(medium, tmp_path, way):
    assert program.main(["export", str(medium / way), "--out", str(tmp_path / "out"), "--all"]) == 0
    assert (load_mask(tmp_path / "out/SegmentationClass/one.png") == 8).all()
    assert {path.stem for path in (tmp_path / "out/JPEGImages").iterdir()} >= {"one", "two"}


def test_what_is_done_there_holds_until_it_is_closed(medium):
    with closing(Project.open(medium)) as project:
        paint(project, "two")
        project.store_proposal_mask("two", MASK + 1)
        (project.models_dir / "v2.safetensors").write_bytes(b"another")
        project.add_model_version(project.models_dir / "v2.safetensors", 0.6)
        assert project.can_undo("two") and len(project.model_versions()) == 2
        np.testing.assert_array_equal(project.proposal_mask("two"), MASK + 1)
        aside = project.folder
    assert not aside.exists()
    with closing(Project.open(medium)) as project:
        assert not project.can_undo("two") and len(project.model_versions()) == 1


def test_a_backup_keeps_what_was_done_there(medium, tmp_path):
    with closing(Project.open(medium)) as project:
        paint(project, "two")
        back_up(project, tmp_path / "backup.zip", photos=True)
    with closing(Project.open(restore(tmp_path / "backup.zip", tmp_path / "again").folder)) as project:
        assert project.can_undo("two") and not project.read_only


def test_strokes_of_a_process_that_was_killed_are_there(voc_tree, monkeypatch):
    project = Project.open_folder(voc_tree)
    paint(project, "one")
    copied = shutil.copytree(voc_tree, voc_tree.with_name("copy"))  # with the log that was not taken in yet
    project.close()
    assert (copied / "affinity-project/project.sqlite-wal").stat().st_size
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with closing(Project.open(copied)) as project:
        assert project.can_undo("one")


def test_an_older_file_is_read_as_well(voc_tree, monkeypatch):
    with closing(Project.open_folder(voc_tree)) as project:
        project.accept("one", MASK)
    make_old(project.file, 1)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    for reading in (False, True):
        with closing(Project.open(voc_tree, reading)) as project:
            assert project.record("one").status is Status.ACCEPTED


def test_masks_are_not_imported_into_it(medium, capsys):
    assert program.main(["import", str(medium)]) == 2
    assert "cannot be written, so that nothing you change is kept" in capsys.readouterr().err


def test_a_damaged_file_there_is_named(medium, tmp_path, monkeypatch):
    folder = shutil.copytree(medium, tmp_path / "damaged")
    (folder / "affinity-project/project.sqlite").write_bytes(b"garbage " * 1000)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(DataError, match=r"damaged/affinity-project/project\.sqlite is damaged"):
        Project.open(folder)
