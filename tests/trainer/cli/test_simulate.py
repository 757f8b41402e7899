"""`simulate` as a person at a shell sees it: figures, one table, one clear line for each mistake."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import one_line, run

from trainer.data.images import save_mask


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Make a folder of three tagged photos, each of a dark cat on a bright ground, with their true masks."""
    root = tmp_path / "photos"
    (root / "SegmentationClass").mkdir(parents=True)
    for number, name in enumerate("abc"):
        photo, truth = np.full((48, 64, 3), 200, np.uint8), np.zeros((48, 64), np.uint8)
        photo[12:36, 10 + number : 48], truth[12:36, 10 + number : 48] = 40, 1
        Image.fromarray(photo).save(root / f"{name}.png")
        save_mask(root / "SegmentationClass" / f"{name}.png", truth)
    (root / "tags.csv").write_text("image,tags\na,cat\nb,cat\nc,cat\n")
    (root / "classes.txt").write_text("cat\n")
    return root


def as_single_objects(photos: Path) -> Path:
    """Lay the photos out as `images/` and `masks/` of 0 and 255."""
    root = photos.parent / "single"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for photo in photos.glob("*.png"):
        photo.rename(root / "images" / photo.name)
        mask = np.asarray(Image.open(photos / "SegmentationClass" / photo.name))
        Image.fromarray((255 * mask).astype(np.uint8)).save(root / "masks" / photo.name)
    return root


@pytest.mark.parametrize(("protocol", "clicks"), [("clicks", 20), ("proposal", 10), ("noisy", 10)])
def test_figures_as_json(
    protocol: str, clicks: int, photos: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate", photos, "--models", models, "--protocol", protocol, "--limit", 2, "--json") == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)
    assert figures["images"] == 2 and figures["max_clicks"] == clicks
    assert 0 <= figures["noc@85"] <= figures["noc@90"] <= clicks
    assert 0 <= figures["failed@85"] <= figures["failed@90"] <= 1
    assert len(figures["iou_after"]) == clicks + 1
    assert 0 <= figures["drops"] <= 1
    assert figures["seconds_per_click"] > 0
    assert [course["image"] for course in figures["courses"]] == ["a", "b"]
    assert all(len(course["ious"]) == 1 + len(course["clicks"]) for course in figures["courses"])
    assert "simulate: 2/2" in err


def test_single_objects_in_images_and_masks(
    photos: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures are those of the same objects in a data set: their class is unknown either way."""
    args = ("--models", models, "--clicks", 3, "--json")
    assert run("simulate", photos, *args) == 0
    expected = json.loads(capsys.readouterr().out)
    assert run("simulate", as_single_objects(photos), *args) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["iou_after"] == expected["iou_after"] and figures["iou_after"][0] == 0


def test_the_models_that_ship_need_not_be_named(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", photos, "--clicks", 1, "--limit", 1, "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 1


def test_photos_are_left_out_by_name(
    photos: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "exclude.txt").write_text("a\nx\n")
    args = ("--models", models, "--clicks", 1, "--exclude", tmp_path / "exclude.txt")
    assert run("simulate", photos, *args, "--skip", "c", "--json") == 0
    assert [c["image"] for c in json.loads(capsys.readouterr().out)["courses"]] == ["b"]
    assert run("simulate", photos, *args, "--skip", "b,c") == 2
    assert "photos" in one_line(capsys.readouterr().err)


def test_other_methods_stand_beside_ours_in_one_table(
    photos: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("simulate", photos, "--models", models, "--clicks", 3, "--method", "ours,random-walker")
    assert run(*args) == 0
    rows = capsys.readouterr().out.splitlines()
    (noc,) = (row for row in rows if "noc@90" in row)
    assert noc.count("…") == 1 and any("drops" in row for row in rows)
    assert run(*args, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    (other,) = figures["others"]
    assert (figures["method"], other["method"]) == ("ours", "random-walker")
    difference = other["difference"]["noc@90"]
    assert difference["mean"] == pytest.approx(other["noc@90"] - figures["noc@90"])
    assert difference["low"] <= difference["mean"] <= difference["high"]


def test_a_damaged_photo_is_a_warning(photos: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:60])
    assert run("simulate", photos, "--models", models, "--clicks", 1, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["images"] == 2 and "b.png" in json.loads(out)["problems"][0]
    assert "warning:" in err and "b.png" in err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--method", "magic"], "magic"),
        (["--method", ","], "ours"),
        (["--method", "random-walker", "--protocol", "proposal"], "random-walker"),
        (["--exclude", "nowhere.txt"], "nowhere.txt"),
        (["--models", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--protocol", "guess"], "guess"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_each_mistake_is_one_line(
    args: list[str], says: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate", photos, *args) == 2
    assert says in one_line(capsys.readouterr().err)


def test_grabcut_without_opencv_is_one_line(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert run("simulate", photos, "--method", "grabcut") == 2
    assert "OpenCV" in one_line(capsys.readouterr().err)


def test_a_set_without_true_masks_is_one_line(
    photos: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for mask in (photos / "SegmentationClass").iterdir():
        mask.unlink()
    assert run("simulate", photos, "--models", models) == 2
    assert "SegmentationClass" in one_line(capsys.readouterr().err)


def test_the_curve_as_json_and_as_a_picture(
    photos: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--curve", "--models", models, "--corrected", 2, "--every", 1, "--sample", 1)
    assert run("simulate", photos, *arguments, "--picture", tmp_path / "curve.png", "--json") == 0
    points = json.loads(capsys.readouterr().out)
    assert [point["corrected"] for point in points["on"]] == [0, 1, 2]
    keys = {"corrected", "miou_untouched", "strokes_85", "strokes_90"}
    assert all(keys <= point.keys() for point in (*points["on"], *points["off"]))
    assert Image.open(tmp_path / "curve.png").size[0] > 400


def test_the_curve_of_single_objects_is_refused_because_they_have_no_tags(
    photos: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate", as_single_objects(photos), "--curve", "--models", models) == 2
    assert "no tags" in one_line(capsys.readouterr().err)
