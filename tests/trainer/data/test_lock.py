import errno
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from filelock import FileLock

from trainer.data.export import export_project
from trainer.data.formats.voc_writer import VocWriter
from trainer.data.lock import take_lock
from trainer.data.project import Project
from trainer.errors import DataError

MASK = np.full((40, 60), 8, np.uint8)
HOLDER = """
import sys
from pathlib import Path
from trainer.data.project import Project
project = Project.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def project(voc_tree):
    opened = Project.open_folder(voc_tree)
    yield opened
    opened.close()


def test_a_lock_has_one_holder_and_can_be_taken_again(tmp_path):
    lock = take_lock(tmp_path / "lock")
    with pytest.raises(BlockingIOError):
        take_lock(tmp_path / "lock")
    lock.release()
    take_lock(tmp_path / "lock").release()


def test_a_lock_is_released_in_another_thread(tmp_path):
    lock = take_lock(tmp_path / "lock")
    thread = Thread(target=lock.release)
    thread.start()
    thread.join()
    take_lock(tmp_path / "lock").release()


def test_a_folder_that_knows_no_locks_is_worked_in_with_a_warning(tmp_path, monkeypatch, caplog):
    def refuse(self):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    take_lock(tmp_path / "lock").release()
    assert "use it in one window only" in caplog.text


@pytest.mark.parametrize("opening", [Project.open, Project.open_folder])
def test_a_project_is_open_once(project, voc_tree, opening):
    with pytest.raises(DataError, match=r"project\.sqlite is open in another window; close it there first"):
        opening(voc_tree)
    project.close()
    opening(voc_tree).close()


def test_another_process_has_a_project_until_it_is_gone(project):
    project.close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(project.file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(DataError, match="another window"):
            Project.open(project.file)
        holder.kill()
    Project.open(project.file).close()


def test_an_open_project_can_be_read_and_exported_but_not_changed(project, voc_tree, tmp_path):
    project.accept("one", MASK)
    with closing(Project.open(voc_tree, reading=True)) as reader:
        project.accept("two", MASK)
        export_project(reader, VocWriter, tmp_path / "out")
        with pytest.raises(DataError, match="readonly"):
            reader.set_tags("one", ())
    assert sorted(path.stem for path in (tmp_path / "out/JPEGImages").iterdir()) == ["one", "two"]


def test_a_project_that_cannot_be_opened_is_not_held(project):
    project.close()
    content = project.file.read_bytes()
    project.file.write_bytes(b"garbage" * 1000)
    with pytest.raises(DataError, match="damaged"):
        Project.open(project.file)
    project.file.write_bytes(content)
    Project.open(project.file).close()


def test_a_lock_that_was_removed_is_taken_anew_before_anything_is_written(project):
    lock = project.file.with_name("project.sqlite.lock")
    lock.unlink()
    project.set_tags("one", ("dog",))
    with pytest.raises(DataError, match="open in another window"):
        Project.open(project.file)


def test_whoever_has_lost_its_lock_to_another_writes_no_more(project):
    project.file.with_name("project.sqlite.lock").unlink()
    with closing(Project.open(project.file)):
        with pytest.raises(DataError, match="open in another window"):
            project.set_tags("one", ("dog",))
        assert project.record("one").tags == ("cat",)
    project.set_tags("one", ("dog",))
