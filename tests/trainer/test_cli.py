"""What a person at a shell sees: help, one clear line for each mistake, exit status, JSON alone."""

import io
import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import main as program
from trainer.cli.app import COMMANDS
from trainer.cli.console import PlainReporter, open_reporter
from trainer.data.images import load_mask, save_mask
from trainer.data.project import Project
from trainer.learn.augment import Augmentation
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loop import Recipe
from trainer.models.backbones import build_backbone
from trainer.models.bundle import Bundle, save_models
from trainer.models.classifier import CamClassifier
from trainer.options import Options
from trainer.report import STAGES


def run(*args: object) -> int:
    return program.main([str(arg) for arg in args])


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


@pytest.fixture
def masks(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders of masks: predictions that get half of the cats, and the truth."""
    pred, truth = tmp_path / "pred", tmp_path / "truth"
    for name in ("a", "b"):
        right = np.zeros((8, 8), np.uint8)
        right[2:6, 2:6] = 8
        guess = right.copy()
        guess[2:4] = 0
        for folder, labels in ((pred, guess), (truth, right)):
            folder.mkdir(exist_ok=True)
            save_mask(folder / f"{name}.png", labels)
    return pred, truth


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*command.split(), "--help") == 0
    out, err = capsys.readouterr()
    assert "Usage: affinity-annotator" in out
    assert not err


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    run("--help")
    out = capsys.readouterr().out
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["evaluat"], "did you mean the command evaluate?"),
        (["no-such-folder"], "no-such-folder does not exist"),
        (["evaluate"], "PRED"),
        (["evaluate", "--bogus", "x", "y"], "--bogus"),
        (["--bogus"], "--bogus"),
        (["evaluate", "no-such-folder", "."], "no-such-folder"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    args: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*args) == 2
    out, err = capsys.readouterr()
    assert says in one_line(err)
    assert not out


def test_without_a_display_the_desk_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert run() == 2
    assert "no display" in one_line(capsys.readouterr().err)


def test_an_interrupt_ends_with_130(masks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainer.evaluation.evaluate_folders", interrupted)
    assert run("evaluate", *masks) == 130


def test_a_fault_of_the_program_is_kept_in_a_log_file(
    masks: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault for the test")

    monkeypatch.setattr("trainer.evaluation.evaluate_folders", broken)
    monkeypatch.setattr("platformdirs.user_log_path", lambda *_, **__: tmp_path)
    assert run("evaluate", *masks) == 1
    line = one_line(capsys.readouterr().err)
    (log,) = tmp_path.glob("*.log")
    assert str(log) in line
    assert "a fault for the test" in line
    assert "Traceback" in log.read_text()


def test_a_file_that_cannot_be_written_is_named(
    masks: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "masks/a.png")

    monkeypatch.setattr("trainer.evaluation.evaluate_folders", full)
    assert run("evaluate", *masks) == 2
    assert one_line(capsys.readouterr().err) == "error: masks/a.png: No space left on device\n"


def test_evaluate_prints_a_table(masks: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("evaluate", *masks) == 0
    out = capsys.readouterr().out
    assert "evaluate: 2/2" in out
    assert "2 images" in out
    assert "cat" in out and "50.0" in out
    assert "person" not in out  # the truth does not show one


def test_evaluate_json_is_all_that_stands_on_stdout(
    masks: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("evaluate", *masks, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["iou"]["cat"] == 0.5
    assert figures["miou"] == pytest.approx((0.5 + 48 / 56) / 2)


def test_evaluate_says_that_there_is_nothing_to_score_against(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pred").mkdir()
    (tmp_path / "truth").mkdir()
    assert run("evaluate", tmp_path / "pred", tmp_path / "truth") == 2
    assert f"{tmp_path / 'truth'} holds no true masks" in one_line(capsys.readouterr().err)


def test_evaluate_reports_missing_masks(masks: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    (masks[0] / "b.png").unlink()
    assert run("evaluate", *masks) == 0
    assert "1 masks are missing" in capsys.readouterr().out


def test_the_sample_can_be_written_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sample", tmp_path / "photos") == 0
    assert (tmp_path / "photos" / "tags.csv").is_file()
    assert str(tmp_path / "photos") in capsys.readouterr().out


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder of two photos whose project has accepted the first; the second has a proposal only."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(folder / f"{name}.png")
    (folder / "tags.csv").write_text("image,tags\na,cat\nb,cat\n")
    mask = np.zeros((8, 8), np.uint8)
    mask[2:6, 2:6] = 8
    with closing(Project.open_folder(folder)) as opened:
        opened.accept("a", mask)
        opened.store_proposal_mask("b", mask)
    return folder


def test_export_writes_what_is_accepted(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "voc"
    assert run("export", project, "--out", out) == 0
    assert f"1 of 2 images are in {out}" in capsys.readouterr().out
    assert [mask.name for mask in (out / "SegmentationClass").iterdir()] == ["a.png"]


def test_export_all_has_the_proposals_too_and_counts_in_json(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "voc"
    assert run("export", project / "affinity-project", "--out", out, "--all", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"out": str(out), "images": 2, "problems": []}


def test_export_does_not_write_among_other_files_unless_forced(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "letter.txt").write_text("keep me")
    assert run("export", project, "--out", out) == 2
    assert str(out) in one_line(capsys.readouterr().err)
    assert run("export", project, "--out", out, "--force") == 0
    assert (out / "letter.txt").read_text() == "keep me"


def test_export_of_a_folder_without_a_project_leaves_it_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    assert run("export", folder, "--out", tmp_path / "out") == 2
    assert "plain" in one_line(capsys.readouterr().err)
    assert not list(folder.iterdir())


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """An untrained classifier of cats, as a file of this program."""
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("mobilenet_v2"), 1)
    save_models(tmp_path / "models.safetensors", Bundle(("cat",), classifier))
    return tmp_path / "models.safetensors"


def test_simulate_counts_clicks(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    (data / "SegmentationClass").mkdir(parents=True)
    photo, truth = np.full((48, 64, 3), 200, np.uint8), np.zeros((48, 64), np.uint8)
    photo[12:36, 16:48], truth[12:36, 16:48] = 40, 1
    Image.fromarray(photo).save(data / "a.png")
    save_mask(data / "SegmentationClass" / "a.png", truth)
    (data / "tags.csv").write_text("image,tags\na,cat\n")
    assert run("simulate", data, "--models", models, "--clicks", 3, "--json") == 0
    out, err = capsys.readouterr()
    figures = json.loads(out)
    assert figures["images"] == 1
    assert 0 <= figures["noc@85"] <= 3
    assert "simulate: 1/1" in err


def test_simulate_without_true_masks_says_so(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(data / "a.png")
    assert run("simulate", data, "--models", models) == 2
    assert "SegmentationClass" in one_line(capsys.readouterr().err)


def test_a_device_that_is_not_there_is_one_line(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate", tmp_path, "--models", models, "--device", "nonsense") == 2
    assert "--device nonsense" in one_line(capsys.readouterr().err)


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
        "stages": list(STAGES),
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


def test_report_prints_its_figures_as_json(
    finished: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = finished
    (out / "run.json").write_text(json.dumps({"stages": list(STAGES), "seconds": {"walk": 0.25}}))
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
    monkeypatch.setattr("trainer.options.Options", partial(Options, **recipes, least_steps=1))


def times(folder: Path) -> dict[Path, int]:
    made = [path for path in folder.rglob("*") if path.is_file() and path.name != "seconds.json"]
    return {path: path.stat().st_mtime_ns for path in made}


def test_report_runs_all_stages_where_there_is_no_run(
    quick: None, voc_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("report", voc_tree, "--out", out, "--seed", 5) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "report.html")
    page = (out / "report.html").read_text(encoding="utf-8")
    for text in (*STAGES.values(), "<td>seed</td><td>5</td>"):
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
    assert STAGES["segnet"] in (out / "report.html").read_text(encoding="utf-8")


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


def test_predict_wants_a_segmentation_network(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("predict", tmp_path, "--models", models, "--out", tmp_path / "out") == 2
    assert "no segmentation network" in one_line(capsys.readouterr().err)


class Time:
    """A clock that moves only when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_line_every_few_seconds_with_the_time_left() -> None:
    time, stream = Time(), io.StringIO()
    reporter = PlainReporter(stream, time)
    reporter.plan({"CAM": 1.0, "walk": 2.0})
    with reporter.stage("CAM", 100) as stage:
        for _ in range(100):
            time.now += 0.2
            stage.advance(note="photo.jpg")
    lines = stream.getvalue().splitlines()
    assert 4 <= len(lines) <= 6
    assert lines[0] == "CAM: 25/100  0:05 gone, 0:55 left  photo.jpg"
    assert lines[-1].startswith("CAM: 100/100  0:20 gone, 0:40 left")


def test_progress_leaves_stdout_to_json(capsys: pytest.CaptureFixture[str]) -> None:
    with open_reporter(json=True) as reporter, reporter.stage("CAM", 1) as stage:
        reporter.message("a warning")
        stage.advance()
    out, err = capsys.readouterr()
    assert not out
    assert "a warning" in err and "CAM: 1/1" in err


def test_only_the_first_of_several_processes_reports(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    with open_reporter() as reporter, reporter.stage("CAM", 1) as stage:
        stage.advance()
    assert capsys.readouterr() == ("", "")


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

    monkeypatch.setattr("trainer.learn.distill.Distillation", Distilled)
    told = ("--teacher", "big.pth", "--photos", "photos", "--out", tmp_path)
    assert run("distill", *told, "--json") == 0
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["student"] == str(tmp_path / "student.safetensors")
    assert figures["steps"] == 7 and figures["scores"][-1]["cosine"] == 0.5
    assert "on the way" in said.err
    assert run("distill", *told) == 0
    assert capsys.readouterr().out.splitlines()[-1] == figures["student"]
