"""What a person at a shell sees: help, one clear line for each mistake, exit status, JSON alone."""

import io
import json
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shell import one_line, run

from trainer.cli.app import COMMANDS
from trainer.cli.console import PlainReporter, open_reporter
from trainer.data.formats.registry import WRITERS
from trainer.data.images import save_mask
from trainer.data.project import Project


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


@pytest.mark.skipif(sys.platform != "linux", reason="Qt brings its libraries along elsewhere")
def test_a_system_library_that_qt_lacks_is_named_with_its_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(path: str) -> None:
        raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file or directory")

    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setattr("annotator.display.ctypes.CDLL", lacking)
    assert run() == 2
    assert "apt-get install libxcb-cursor0" in one_line(capsys.readouterr().err)


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


def test_export_takes_a_format_by_its_name_and_lists_them_for_an_unknown_one(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in WRITERS:
        assert run("export", project, "--out", tmp_path / name, "--format", name) == 0
        assert any((tmp_path / name).iterdir())
    capsys.readouterr()
    assert run("export", project, "--out", tmp_path / "out", "--format", "zip") == 2
    error = one_line(capsys.readouterr().err)
    assert "'zip'" in error and all(name in error for name in WRITERS)
    assert not (tmp_path / "out").exists()


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


def test_a_device_that_is_not_there_is_one_line(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate", tmp_path, "--models", models, "--device", "nonsense") == 2
    assert "--device nonsense" in one_line(capsys.readouterr().err)


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
