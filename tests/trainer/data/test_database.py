import shutil
from contextlib import closing

import numpy as np
import pytest
from former_versions import make_old, sql

from trainer.data.project import Project, Target
from trainer.data.schema import SCHEMA_VERSION
from trainer.errors import DataError

PATCH = np.zeros((2, 2), np.uint8)


@pytest.fixture
def file(voc_tree):
    """A closed project with one stroke, opened once more so that its backup has the stroke too."""
    project = Project.open_folder(voc_tree)
    project.record_edit("one", Target.SEEDS, (0, 0, 2, 2), PATCH, PATCH, "brush")
    project.close()
    Project.open(project.file).close()
    return project.file


@pytest.mark.parametrize("damage", ["garbage", "zeroed page", "cut", "emptied"])
def test_a_damaged_file_is_named_with_what_to_do_and_its_backup_works(file, damage):
    content = bytearray(file.read_bytes())
    if damage == "garbage":
        content[:] = b"garbage " * 1000
    elif damage == "zeroed page":
        content[4096:8192] = bytes(4096)
    elif damage == "cut":
        del content[len(content) // 2 :]
    else:
        content.clear()
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"project\.sqlite .*rename project\.sqlite\.backup"):
        Project.open_folder(file.parents[1])
    file.with_name("project.sqlite.backup").replace(file)
    project = Project.open(file)
    assert project.can_undo("one")
    project.close()


def test_a_missing_file_is_not_silently_made_anew(file, tmp_path):
    file.unlink()
    with pytest.raises(DataError, match=r"rename project\.sqlite\.backup"):
        Project.open_folder(file.parents[1])
    with pytest.raises(DataError, match=r"nothing\.sqlite has no project"):
        Project.open(tmp_path / "nothing.sqlite")


def test_a_damaged_stroke_is_an_error_that_names_the_file(file):
    sql(file, "UPDATE edits SET after = x'00'")
    project = Project.open(file)
    with pytest.raises(DataError, match=r"project\.sqlite is damaged"):
        project.layer("one", Target.SEEDS, (40, 60))
    assert len(project.images()) == 4
    project.close()


def test_a_file_of_a_newer_version_asks_for_an_update(file):
    sql(file, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(DataError, match=r"newer version.*update"):
        Project.open(file)


def test_a_database_of_another_program_is_refused(tmp_path):
    sql(tmp_path / "other.sqlite", "CREATE TABLE images (id)")
    with pytest.raises(DataError, match=r"other\.sqlite is not a project"):
        Project.open(tmp_path / "other.sqlite")


@pytest.mark.parametrize("path", ["../../secret.jpg", "/etc/passwd"])
def test_a_project_cannot_reach_out_of_its_folder(file, path):
    sql(file, f"UPDATE images SET path = '{path}' WHERE id = 'one'")
    project = Project.open(file)
    with pytest.raises(DataError, match=r"secret|passwd"):
        project.record("one")
    project.close()


def test_a_full_disk_keeps_what_was_there(file):
    project = Project.open(file)
    with project._database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    noise = np.random.default_rng(0).integers(0, 21, (400, 400), np.uint8)
    with pytest.raises(DataError, match=r"cannot use .*project\.sqlite.*full"):
        project.record_edit("two", Target.SEEDS, (0, 0, 400, 400), noise, noise, "brush")
    assert not project.can_undo("two")
    assert project.record("two").seed_revision == 0
    assert project.can_undo("one")
    project.close()


def test_an_interrupted_creation_leaves_no_project(voc_tree, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("trainer.data.image_rows.add", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        Project.open_folder(voc_tree)
    assert [path.name for path in (voc_tree / "affinity-project").iterdir()] == ["project.sqlite.lock"]
    project = Project.open_folder(voc_tree)
    assert len(project.images()) == 4
    project.close()


def test_an_accepted_mask_of_an_older_version_belongs_to_its_strokes(file):
    mask = np.full((40, 60), 8, np.uint8)
    project = Project.open(file)
    project.accept("one", mask)
    project.close()
    make_old(file, 1)
    project = Project.open(file)
    project.record_edit("one", Target.SEEDS, (0, 0, 2, 2), PATCH, PATCH, "brush")
    assert project.accepted_mask("one") is None
    project.undo("one")
    np.testing.assert_array_equal(project.accepted_mask("one"), mask)
    project.close()
    assert sql(file, "PRAGMA user_version") == [(SCHEMA_VERSION,)]


def test_a_file_from_before_origins_were_noted_is_brought_up_to_date(file):
    make_old(file, 2)
    project = Project.open(file)
    project.store_proposal_mask("one", np.zeros((40, 60), np.uint8))
    assert project.proposal_origin("one") == ""
    project.note_proposal("one", 0.5, "the first model")
    assert project.proposal_origin("one") == "the first model"
    project.close()


def test_tags_of_a_file_that_named_its_classes_are_kept(file):
    project = Project.open(file)
    tags = {record.id: record.tags[:1] for record in project.images()}
    for image_id, names in tags.items():
        project.set_tags(image_id, names or None)
    project.close()
    make_old(file, 4)
    project = Project.open(file)
    assert {record.id: record.tags for record in project.images()} == tags and any(tags.values())
    project.close()


def test_a_file_of_an_older_version_can_be_read(file):
    mask = np.full((40, 60), 8, np.uint8)
    project = Project.open(file)
    project.accept("one", mask)
    project.close()
    make_old(file, 1)
    with closing(Project.open(file, reading=True)) as reader:
        np.testing.assert_array_equal(reader.accepted_mask("one"), mask)


@pytest.mark.parametrize("loss", ["removed", "moved", "replaced"])
def test_what_is_written_to_a_file_that_is_gone_is_refused_until_it_is_back(voc_tree, tmp_path, loss):
    project = Project.open_folder(voc_tree)
    aside = tmp_path / "aside"
    project.folder.rename(aside)
    if loss == "removed":
        shutil.rmtree(aside)
    elif loss == "replaced":
        shutil.copytree(aside, project.folder)
    for _ in range(2):
        with pytest.raises(
            DataError, match=r"project\.sqlite was moved, removed or replaced .*; put it back"
        ):
            project.record_edit("one", Target.SEEDS, (0, 0, 2, 2), PATCH, PATCH, "brush")
    if loss == "moved":
        aside.rename(project.folder)
        project.record_edit("one", Target.SEEDS, (0, 0, 2, 2), PATCH, PATCH, "brush")
        assert project.can_undo("one")
    project.close()


def test_what_a_kill_left_half_written_is_gone_at_the_next_opening(voc_tree):
    project = Project.open_folder(voc_tree)
    left = project.caches / "masks" / ".one.png.0123abcd.partial"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    (left.parent / ".mine.partial").write_text("not ours")
    project.close()
    Project.open(voc_tree).close()
    assert [path.name for path in left.parent.iterdir()] == [".mine.partial"]
