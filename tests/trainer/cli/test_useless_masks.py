"""Masks that teach and tell nothing, or are not of their photos: told before anything is learnt or scored."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import one_line, run

from trainer.data.images import save_mask


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three photos with masks of a cat."""
    for folder in ("JPEGImages", "SegmentationClass"):
        (tmp_path / "tree" / folder).mkdir(parents=True)
    labels = np.zeros((24, 32), np.uint8)
    labels[4:12, 4:20] = 8
    for name in "abc":
        photo = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
        Image.fromarray(photo).save(tmp_path / f"tree/JPEGImages/{name}.jpg")
        save_mask(tmp_path / f"tree/SegmentationClass/{name}.png", labels)
    return tmp_path / "tree"


def blacken(tree: Path, value: int) -> None:
    for path in (tree / "SegmentationClass").iterdir():
        with Image.open(path) as mask:
            labels = np.where(np.asarray(mask) > 0, value, 0).astype(np.uint8)
        Image.fromarray(labels).save(path)


@pytest.mark.parametrize("value", [0, 255])
def test_masks_of_black_and_white_are_refused(
    value: int, tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blacken(tree, value)
    assert run("evaluate", tree, tree) == 2
    assert "show no class" in capsys.readouterr().err.splitlines()[-1]
    assert run("train-seg", tree, "--out", tmp_path / "net.safetensors", "--epochs", 1) == 2
    assert "show no class" in one_line(capsys.readouterr().err)
    assert not (tmp_path / "net.safetensors").exists()


def test_a_training_leaves_out_masks_that_are_none_and_names_them_first(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = tree / "SegmentationClass"
    save_mask(masks / "a.png", np.ones((9, 9), np.uint8))
    save_mask(masks / "b.png", np.full((24, 32), 77, np.uint8))
    assert run("train-seg", tree, "--out", tmp_path / "net.safetensors", "--epochs", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    training = next(index for index, line in enumerate(lines) if line.startswith("segmentation network"))
    told = [line for line in lines[:training] if line.startswith("warning")]
    assert len(told) == 2 and "a.png is 9×9" in told[0] and "b.png has the label 77" in told[1]


def test_an_evaluation_names_the_mask_that_is_none(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pred = tmp_path / "pred"
    pred.mkdir()
    for path in (tree / "SegmentationClass").iterdir():
        (pred / path.name).write_bytes(path.read_bytes())
    save_mask(pred / "b.png", np.full((24, 32), 77, np.uint8))
    assert run("evaluate", pred, tree) == 2
    assert str(pred / "b.png") in one_line(capsys.readouterr().err)


def test_predictions_of_another_order_are_scored_by_name(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pred = tmp_path / "pred"
    pred.mkdir()
    (pred / "classes.txt").write_text("_background_\nCat\ndog\n")
    for path in (tree / "SegmentationClass").iterdir():
        with Image.open(path) as mask:
            Image.fromarray(np.asarray(mask) // 8).save(pred / path.name)
    (tree / "classes.txt").write_text("dog\ncow\na\nb\nc\nd\ne\ncat\n")
    assert run("evaluate", pred, tree, "--json") == 0
    assert '"cat": 1.0' in capsys.readouterr().out


def test_photos_none_of_which_can_be_read_give_no_success(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train-seg", tree, "--out", tmp_path / "net.safetensors", "--epochs", 1) == 0
    for path in (tree / "JPEGImages").iterdir():
        path.write_bytes(path.read_bytes()[:-300])
    capsys.readouterr()
    out = tmp_path / "out"
    assert run("predict", tree, "--models", tmp_path / "net.safetensors", "--out", out) == 2
    assert "none of the images" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("args", [["--method", "random-walker"], ["--protocol", "proposal"], ["--curve"]])
def test_a_robot_is_not_let_loose_on_masks_that_show_nothing(
    args: list[str], tree: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blacken(tree, 255)
    assert run("simulate", tree, "--models", models, "--clicks", 1, *args) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "shows an object" in said or "have tags and a true mask" in said
