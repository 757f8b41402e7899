"""`import`: masks of other programs into a project, from a shell."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import one_line, run

from trainer.data.images import save_mask
from trainer.data.project import Project, Status


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """A VOC tree of three photos, two of which have a mask."""
    root = tmp_path / "set"
    (root / "JPEGImages").mkdir(parents=True)
    for name in ("a", "b", "c"):
        Image.new("RGB", (9, 7), "green").save(root / f"JPEGImages/{name}.jpg")
    for name in ("a", "b"):
        save_mask(root / f"SegmentationClass/{name}.png", np.full((7, 9), 8, np.uint8))
    return root


def statuses(folder: Path) -> dict[str, Status]:
    with closing(Project.open(folder, reading=True)) as project:
        return {record.id: record.status for record in project.images()}


def test_masks_beside_the_photos_are_accepted(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", voc) == 0
    assert "2 of 3 images" in capsys.readouterr().out
    assert statuses(voc) == {"a": "accepted", "b": "accepted", "c": "new"}


def test_proposals_from_elsewhere_and_json_alone_on_stdout(
    voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    (voc / "JPEGImages").rename(photos)
    (voc / "SegmentationClass/b.png").write_bytes(b"damaged")
    assert run("import", photos, "--masks", voc / "SegmentationClass", "--proposals", "--json") == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)
    assert (figures["masks"], figures["images"], figures["new classes"]) == (2, 1, [])
    assert "b.png" in figures["problems"][0] and "b.png" in err
    assert statuses(photos) == {"a": "proposed", "b": "new", "c": "new"}


def test_the_list_of_classes_may_be_given(voc: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("".join(f"class {number}\n" for number in range(1, 9)))
    assert run("import", voc, "--classes", tmp_path / "names.txt") == 0
    with closing(Project.open(voc, reading=True)) as project:
        assert project.record("a").tags == ("class 8",)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--format", "zip"], "no format 'zip' to import from; choose one of voc, coco"),
        (["--masks", "nowhere"], "nowhere does not exist"),
        (["--masks", "JPEGImages"], "no masks of a known kind"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_project(
    voc: Path, args: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(voc)
    assert run("import", voc, *args) == 2
    assert says in one_line(capsys.readouterr().err)
    assert not (voc / "affinity-project").exists()


def test_an_import_of_nothing_fails_and_says_why(voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("import", voc) == 0
    capsys.readouterr()
    assert run("import", voc) == 2
    assert "keep their masks: a, b" in capsys.readouterr().err
