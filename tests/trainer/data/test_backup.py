"""A backup brings back all that a person did, anywhere; a damaged or foreign one changes nothing."""

import json
import shutil
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from trainer.data.backup import back_up, restore
from trainer.data.journal import Target
from trainer.data.project import Project
from trainer.errors import DataError

PATCH = np.full((2, 2), 8, np.uint8)


@pytest.fixture
def backup(voc_tree: Path, tmp_path: Path) -> Path:
    """The backup, with photos, of a project with a stroke, an accepted mask and a model."""
    file = tmp_path / "elsewhere" / "tree.zip"
    with closing(Project.open_folder(voc_tree)) as project:
        project.record_edit("one", Target.SEEDS, (0, 0, 2, 2), np.full_like(PATCH, 255), PATCH, "brush")
        project.accept("two", np.full((40, 60), 12, np.uint8))
        project.models_dir.mkdir()
        (project.models_dir / "1.safetensors").write_text("weights")
        project.add_model_version(project.models_dir / "1.safetensors", 0.5, "note")
        assert back_up(project, file, photos=True) == 6
    return file


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_that_a_person_did_comes_back_on_another_machine(backup: Path, voc_tree: Path) -> None:
    photos = files(voc_tree / "JPEGImages")
    shutil.rmtree(voc_tree)
    restored = restore(backup)
    assert restored.folder == backup.parent / "tree" and restored.photos == 4
    assert files(restored.folder / "JPEGImages") == photos
    with closing(Project.open(restored.folder)) as project:
        assert project.layer("one", Target.SEEDS, (40, 60))[1, 1] == 8 and project.can_undo("one")
        accepted = project.accepted_mask("two")
        assert accepted is not None and (accepted == 12).all()
        (version,) = project.model_versions()
        assert version.file.read_text() == "weights"
        assert project.record("three").path.is_file() and not project.problems


def test_without_photos_it_finds_those_that_are_there(voc_tree: Path, tmp_path: Path) -> None:
    with closing(Project.open_folder(voc_tree)) as project:
        project.set_tags("three", ("cat",))
        back_up(project, tmp_path / "small.zip", photos=False)
    shutil.rmtree(voc_tree / "affinity-project")
    before = files(voc_tree)
    assert restore(tmp_path / "small.zip", voc_tree).photos == 0
    with closing(Project.open(voc_tree, reading=True)) as project:
        assert project.record("three").tags == ("cat",)
    assert before.items() <= files(voc_tree).items()


def test_nothing_that_is_there_is_replaced(backup: Path, voc_tree: Path) -> None:
    before = files(voc_tree)
    with pytest.raises(DataError, match="has a project already"):
        restore(backup, voc_tree)
    shutil.rmtree(voc_tree / "affinity-project")
    (voc_tree / "JPEGImages/one.jpg").write_bytes(b"another photo")
    with pytest.raises(DataError, match=r"one\.jpg is another file"):
        restore(backup, voc_tree)
    kept = {name: content for name, content in before.items() if not name.startswith("affinity-project")}
    assert files(voc_tree) == kept | {"JPEGImages/one.jpg": b"another photo"}


def rewritten(backup: Path, change: object) -> None:
    """Write the archive again, its entries changed by a function of name and content."""
    with zipfile.ZipFile(backup) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(backup, "w") as archive:
        for name, data in change(content).items():  # type: ignore[operator]
            archive.writestr(name, data)


def with_file(name: str) -> object:
    """Return a change that adds a file of that name, listed with its right digest."""

    def change(content: dict[str, bytes]) -> dict[str, bytes]:
        manifest = json.loads(content["backup.json"])
        manifest["files"][name] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        return content | {"backup.json": json.dumps(manifest).encode(), name: b""}

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content | {"photos/JPEGImages/one.jpg": b"x"},
        lambda content: content | {"project.sqlite": content["project.sqlite"][:5000]},
        lambda content: content | {"backup.json": b"{"},
        lambda content: content | {"backup.json": b'{"format": 99}'},
        lambda content: content | {"backup.json": b'{"format": 1, "name": "../up", "files": {}}'},
        lambda content: {name: data for name, data in content.items() if name != "models/1.safetensors"},
        with_file("photos/../../out.jpg"),
        with_file("photos/.bashrc"),
        with_file("photos/script.sh"),
        with_file("photos/affinity-project/a.jpg"),
        with_file("caches/../../x"),
    ],
)
def test_a_damaged_or_foreign_archive_is_named_and_leaves_nothing(
    change: object, backup: Path, tmp_path: Path
) -> None:
    rewritten(backup, change)
    before = files(tmp_path)
    with pytest.raises(DataError, match=r"tree\.zip"):
        restore(backup, tmp_path / "new")
    left = {name: data for name, data in files(tmp_path).items() if not name.startswith("new/JPEGImages")}
    assert left == before and not (tmp_path / "new/affinity-project").exists()


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"none")
    with pytest.raises(DataError, match=r"a\.zip is not a zip file"):
        restore(tmp_path / "a.zip")
