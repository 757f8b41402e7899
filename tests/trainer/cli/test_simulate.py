"""`simulate` as a person at a shell sees it: figures, one table, one clear line for each mistake."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shell import one_line, run

from trainer.data.images import save_mask
from trainer.robot.methods import RandomWalker


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


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    """The figures of a run that are the same whenever it is made."""
    for part in (record, *record["others"]):
        del part["seconds_per_click"], part["seconds_per_start"]
        for course in part["courses"]:
            del course["seconds"], course["start_seconds"]
    for other in record["others"]:
        assert other["difference"].keys() >= {"noc@85", "noc@90"}
    return record


def test_a_run_that_was_interrupted_resumes_and_prints_what_an_unbroken_one_does(
    photos: Path,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ("simulate", photos, "--models", models, "--clicks", 2, "--method", "ours,random-walker")
    assert run(*command, "--json") == 0
    unbroken = json.loads(capsys.readouterr().out)

    started: list[np.ndarray] = []
    start = RandomWalker.start

    def start_until_the_second_photo(self: RandomWalker, image: np.ndarray, classes: Sequence[str]) -> Any:
        started.append(image)
        if len(started) == 2:
            raise KeyboardInterrupt
        return start(self, image, classes)

    monkeypatch.setattr(RandomWalker, "start", start_until_the_second_photo)
    kept = tmp_path / "kept.jsonl"
    assert run(*command, "--out", kept, "--json") == 130
    assert len(kept.read_text().splitlines()) == 1 + 3
    with kept.open("a") as stream:  # as where the machine went down while it wrote
        stream.write('{"method": "random-wal')
    capsys.readouterr()

    assert run(*command, "--out", kept, "--json") == 0
    resumed = capsys.readouterr().out
    assert len(started) == 2 + 2, "the random walker had done one photo of three"
    assert without_times(json.loads(resumed)) == without_times(unbroken)
    assert run(*command, "--out", kept, "--json") == 0
    assert capsys.readouterr().out == resumed and len(started) == 2 + 2
    assert run(*command, "--out", kept) == 0
    table = capsys.readouterr().out
    assert "noc@90" in table and "3 objects in 3 images" in table


def test_results_of_another_simulation_are_refused_and_kept(
    photos: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.jsonl"
    command = ("simulate", photos, "--models", models, "--clicks", 1, "--out", kept)
    assert run(*command) == 0
    content = kept.read_bytes()
    capsys.readouterr()
    for others, differing in (
        (("--clicks", 2), "clicks"),
        (("--limit", 2), "photos"),
        (("--seed", 1), "seed"),
        (("--protocol", "noisy"), "protocol"),
    ):
        assert run(*command, *others) == 2
        sentence = one_line(capsys.readouterr().err)
        assert str(kept) in sentence and differing in sentence
    assert kept.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"image,tags\n", b"\xff\xd8\xff", b"[1]\n", b'{"simulation": 3}\n'])
def test_a_file_of_another_kind_is_refused_and_kept(
    content: bytes, photos: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(content)
    command = ("simulate", photos, "--models", models, "--clicks", 1, "--out", tmp_path / "file")
    assert run(*command) == 2
    assert str(tmp_path / "file") in one_line(capsys.readouterr().err)
    assert (tmp_path / "file").read_bytes() == content


def test_a_damaged_result_is_named_by_its_line(
    photos: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.jsonl"
    command = ("simulate", photos, "--models", models, "--clicks", 1, "--out", kept)
    assert run(*command) == 0
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join([*lines[:2], "{}\n", *lines[3:]]))
    capsys.readouterr()
    assert run(*command) == 2
    assert f"line 3 of {kept}" in one_line(capsys.readouterr().err)


def test_a_mistake_leaves_no_file_behind(
    photos: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "kept.jsonl"
    assert run("simulate", photos, "--method", "random-walker", "--protocol", "proposal", "--out", out) == 2
    assert "random-walker" in one_line(capsys.readouterr().err)
    assert run("simulate", photos, "--models", models, "--curve", "--out", out) == 2
    assert "--curve" in one_line(capsys.readouterr().err)
    assert not out.exists()
