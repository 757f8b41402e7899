"""`backup` and `restore` at a shell."""

import json
from pathlib import Path

import pytest
from shell import one_line, run

from trainer.data.project import Project


def test_a_project_goes_into_a_file_and_comes_back(
    voc_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Project.open_folder(voc_tree).close()
    file = tmp_path / "tree.zip"
    assert run("backup", voc_tree, file, "--photos", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file), "images": 4, "files": 5, "bytes": file.stat().st_size,
    }  # fmt: skip
    assert run("backup", voc_tree, file) == 2
    assert "exists already" in one_line(capsys.readouterr().err)
    assert run("backup", voc_tree, file, "--photos", "--force") == 0
    capsys.readouterr()
    assert run("restore", file, "--to", tmp_path / "new") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'new'}: the project, and 4 photos\n"
    assert run("restore", file, "--to", tmp_path / "new") == 2
    assert "has a project already" in one_line(capsys.readouterr().err)
    assert run("export", tmp_path / "new", "--out", tmp_path / "out") == 2  # nothing is accepted yet
    assert "nothing to export" in one_line(capsys.readouterr().err)
