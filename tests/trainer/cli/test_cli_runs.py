"""Commands on what a run left or leaves: report, train-seg and predict; and the scores of distill."""

import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shell import one_line, run

from trainer.data.images import load_mask, save_mask
from trainer.data.project import Project
from trainer.learn.augment import Augmentation
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loop import Recipe
from trainer.pipeline.options import Options
from trainer.pipeline.stage_names import LABEL_MAPS


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Path, Path]:
    """Data of one photo with its true mask, and the folder of a run on it that kept its stages."""
    data, out = tmp_path / "data", tmp_path / "run"
    (data / "SegmentationClass").mkdir(parents=True)
    (out / "stages" / "walk").mkdir(parents=True)
    labels = np.zeros((8, 8), np.uint8)
    labels[2:6, 2:6] = 8
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(data / "a.png")
    (data / "tags.csv").write_text("image,tags\na,cat\n")
    save_mask(data / "SegmentationClass" / "a.png", labels)
    save_mask(out / "stages" / "walk" / "a.png", labels)
    return data, out


def test_report_writes_a_page_from_what_the_run_left(
    finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = finished
    record = {
        "stages": list(LABEL_MAPS),
        "settings": {"alpha": 1.5},
        "seconds": {"walk": 0.25},
        "warnings": ["from scratch"],
    }
    (out / "run.json").write_text(json.dumps(record))
    assert run("report", data, "--out", out) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "report.html")
    page = (out / "report.html").read_text(encoding="utf-8")
    for text in ("random walk", "100.0", "0.25", "alpha", "from scratch", "torch"):
        assert text in page


def test_report_of_a_project_file_counts_its_accepted_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "tags.csv").write_text("image,tags\na,cat\n")
    with closing(Project.open_folder(tmp_path)) as project:
        project.accept("a", np.full((8, 8), 8, np.uint8))
    out = tmp_path / "out"
    assert run("report", project.file, "--out", out, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["work"]["accepted"] == 1 and Path(figures["page"]).is_file()
    assert next(c for c in figures["classes"] if c["name"] == "cat")["pixels"] == 64
    (tmp_path / "other.txt").write_text("no project")
    assert run("report", tmp_path / "other.txt", "--out", out) == 2


def test_report_prints_its_figures_as_json(
    finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = finished
    (out / "run.json").write_text(json.dumps({"stages": list(LABEL_MAPS), "seconds": {"walk": 0.25}}))
    assert run("report", data, "--out", out, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["page"] == str(out / "report.html") and figures["images"] == 1
    assert figures["stages"]["walk"]["scores"]["iou"]["cat"] == 1.0
    assert figures["stages"]["walk"]["seconds_per_image"] == 0.25


def test_report_names_a_damaged_record(
    finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = finished
    (out / "run.json").write_text("{")
    assert run("report", data, "--out", out) == 2
    assert "run.json" in one_line(capsys.readouterr().err)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every network of a run see the photos twice only, and small."""
    recipe = Recipe(2, 2, views=Augmentation(long_side=(48, 64), crop=64))
    recipes = dict.fromkeys(("classifier_recipe", "affinity_recipe", "segmentation_recipe"), recipe)
    monkeypatch.setattr("trainer.pipeline.options.Options", partial(Options, **recipes, least_steps=1))


FIGURES = {"files.sha256", "seconds.json", "loader-wait-share.json"}
"""How long stages took, and what was written; a later run adds to them."""


def times(folder: Path) -> dict[Path, int]:
    made = [path for path in folder.rglob("*") if path.is_file() and path.name not in FIGURES]
    return {path: path.stat().st_mtime_ns for path in made}


def test_report_runs_all_stages_where_there_is_no_run(
    quick: None, voc_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("report", voc_tree, "--out", out, "--seed", 5) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "report.html")
    page = (out / "report.html").read_text(encoding="utf-8")
    for text in (*LABEL_MAPS.values(), "<td>seed</td><td>5</td>"):
        assert text in page
    made = times(out / "run")
    assert run("report", voc_tree, "--out", out) == 0  # The page only, whatever the options.
    assert times(out / "run") == made


def test_report_goes_on_with_a_run_that_lacks_stages(quick: None, voc_tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("pipeline", voc_tree, "--out", out) == 0
    made = times(out / "run")
    assert run("report", voc_tree, "--out", out) == 0
    assert made.items() <= times(out / "run").items()
    assert LABEL_MAPS["segnet"] in (out / "report.html").read_text(encoding="utf-8")


def test_a_network_trained_on_masks_predicts_masks(
    finished: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, network, out = finished[0], tmp_path / "net.safetensors", tmp_path / "predicted"
    Image.fromarray(np.full((40, 56, 3), 90, np.uint8)).save(data / "a.png")
    save_mask(data / "SegmentationClass" / "a.png", np.full((40, 56), 8, np.uint8))
    assert run("train-seg", data, "--out", network, "--epochs", 1, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["network"], figures["epochs"]) == (str(network), 1) and "cat" in figures["classes"]
    assert run("predict", data, "--models", network, "--out", out, "--tags", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 1
    mask = load_mask(out / "SegmentationClass" / "a.png")
    assert mask.shape == (40, 56)
    assert set(np.unique(mask)) <= {0, 8}  # only what is tagged


def test_predict_does_not_replace_masks_unless_forced(
    finished: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, network = finished[0], tmp_path / "net.safetensors"
    assert run("train-seg", data, "--out", network, "--epochs", 1) == 0
    truth = data / "SegmentationClass" / "a.png"
    before = truth.read_bytes()
    capsys.readouterr()
    assert run("predict", data, "--models", network, "--out", data) == 2
    assert str(truth) in one_line(capsys.readouterr().err) and truth.read_bytes() == before
    assert run("predict", data, "--models", network, "--out", data, "--force") == 0


def test_a_folder_given_for_the_networks_file_is_refused_before_the_training(
    finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "trainer.pipeline.segmentation.train_on_masks", lambda *_: pytest.fail("it was trained")
    )
    assert run("train-seg", finished[0], "--out", finished[1]) == 2
    assert "is a folder" in one_line(capsys.readouterr().err)


@pytest.fixture
def kept_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have every step of a training kept, and the first training broken off after its first step."""
    steps: list[int] = []
    save = Checkpoint.save

    def save_and_break_off(self: Checkpoint, training: str, net: Any, optimiser: Any, step: int) -> None:
        save(self, training, net, optimiser, step)
        steps.append(step)
        if len(steps) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("trainer.learn.checkpoint.EVERY", 0.0)
    monkeypatch.setattr(Checkpoint, "save", save_and_break_off)
    return steps


def test_training_on_masks_goes_on_where_it_was_broken_off(
    finished: tuple[Path, Path], tmp_path: Path, kept_steps: list[int]
) -> None:
    broken, whole = tmp_path / "broken.safetensors", tmp_path / "whole.safetensors"
    train = partial(run, "train-seg", finished[0], "--epochs", 3, "--out")
    assert train(broken) == 130
    assert not broken.exists()
    assert train(broken) == 0
    assert kept_steps == [1, 2]  # The last step needs no checkpoint.
    assert train(whole) == 0
    assert broken.read_bytes() == whole.read_bytes()
    assert set(tmp_path.glob("*.safetensors*")) == {broken, whole}


def test_training_on_other_masks_does_not_go_on_from_the_former_ones(
    finished: tuple[Path, Path], tmp_path: Path, kept_steps: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    data, network = finished[0], tmp_path / "net.safetensors"
    assert run("train-seg", data, "--epochs", 3, "--out", network) == 130
    save_mask(data / "SegmentationClass" / "a.png", np.full((8, 8), 8, np.uint8))
    assert run("train-seg", data, "--epochs", 3, "--out", network) == 0
    assert kept_steps == [1, 1, 2]
    assert "is of another training" in capsys.readouterr().out


def test_training_on_masks_needs_masks_of_the_classes(
    finished: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, network = finished[0], tmp_path / "net.safetensors"
    assert run("train-seg", data, "--masks", tmp_path, "--out", network) == 2
    assert "has no mask of any image" in capsys.readouterr().err
    (tmp_path / "one.txt").write_text("thing\n")
    assert run("train-seg", data, "--classes", tmp_path / "one.txt", "--out", network) == 2
    assert "label 8" in capsys.readouterr().err


def test_distill_prints_its_scores_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Distilled:
        steps = 7
        scores = ({"minutes": 1.0, "cosine": 0.5},)

        def __init__(self, *_: object) -> None:
            pass

        def run(self, report: Callable[[str], None]) -> None:
            report("on the way")

    monkeypatch.setattr("trainer.distill.training.Distillation", Distilled)
    told = ("--teacher", "big.pth", "--photos", "photos", "--out", tmp_path)
    assert run("distill", *told, "--json") == 0
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["student"] == str(tmp_path / "student.safetensors")
    assert figures["steps"] == 7 and figures["scores"][-1]["cosine"] == 0.5
    assert "on the way" in said.err
    assert run("distill", *told) == 0
    assert capsys.readouterr().out.splitlines()[-1] == figures["student"]
