"""Arguments and files that make no sense: one sentence that names them and status 2, at once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from shell import one_line, run

from trainer.cli.app import app
from trainer.data.images import save_mask
from trainer.models.backbones import build_backbone
from trainer.models.bundle import RECORD, Bundle, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.weights import save_backbone


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One tagged photo."""
    folder = tmp_path / "data"
    folder.mkdir()
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(folder / "a.png")
    (folder / "tags.csv").write_text("image,tags\na,cat\n")
    return folder


def options_of_numbers() -> list[tuple[str, str, str]]:
    """Every option of every command that takes a number, with values that are none, or none to use."""
    cases = []
    for command in app.registered_commands:
        assert command.callback is not None
        for name, kind in get_type_hints(command.callback).items():
            if kinds := {int, float} & {kind, *get_args(kind)}:
                huge = "1e30" if float in kinds else str(10**30)
                option = f"--{name.replace('_', '-')}"
                cases += [(command.name or "", option, value) for value in ("nan", "inf", "-1", huge)]
    return cases


@pytest.mark.parametrize(("command", "option", "value"), options_of_numbers())
def test_a_number_out_of_all_range_is_named(
    command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, f"{option}={value}") == 2
    assert option in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("device", ["meta", "mkldnn", "cuda:99", "hpu", "", "cpu:x"])
def test_a_device_that_cannot_compute_is_named(
    device: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pipeline", data, "--out", tmp_path / "out", f"--device={device}") == 2
    assert "--device" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    "args", [[""], ["pipeline", ""], ["evaluate", ".", ""], ["export", ".", "--out="], ["sample", ""]]
)
def test_an_empty_argument_is_not_the_folder_one_happens_to_be_in(
    args: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*args) == 2
    assert "is empty" in one_line(capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")


@pytest.fixture(
    params=[
        *(pytest.param(name, marks=PIPES) for name in ("pipe", "/dev/zero")),
        *("folder", "absent", "empty", "text", "bytes"),
    ]
)
def no_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Something that is neither weights nor a list of classes."""
    path = tmp_path / "given.pth"
    match request.param:
        case "pipe":
            os.mkfifo(path)
        case "/dev/zero":
            return Path("/dev/zero")
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case "text":
            path.write_text("three\x01words/of\ttext;" * 30)
        case "bytes":
            path.write_bytes(np.random.default_rng(0).bytes(4000))
    return path


@pytest.mark.parametrize("option", ["--weights", "--classifier", "--classes"])
def test_what_is_no_such_file_is_named(
    option: str, no_file: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pipeline", data, "--out", tmp_path / "out", option, no_file) == 2
    assert str(no_file) in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("command", ["predict", "simulate"])
def test_models_that_are_none_are_named(
    command: str, no_file: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "SegmentationClass").mkdir()
    save_mask(data / "SegmentationClass/a.png", np.ones((8, 8), np.uint8))
    out = ["--out", tmp_path / "out"] if command == "predict" else []
    assert run(command, data, "--models", no_file, *out) == 2
    assert str(no_file) in one_line(capsys.readouterr().err)


def with_nan(path: Path) -> None:
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("resnet18"), 1)
    classifier.head.weight.data[0, 0] = float("nan")
    save_models(path, Bundle(("cat",), classifier))


def cut_off(path: Path) -> None:
    with_nan(path)
    path.write_bytes(path.read_bytes()[:100_000])


def with_record(**changes: object) -> None:
    """Return a maker of a file whose record says something else."""

    def make(path: Path) -> None:
        record = {"format": 1, "classes": ["cat"], "info": {}} | changes
        save_file({"x": torch.zeros(3)}, path, {RECORD: json.dumps(record)})

    return make  # type: ignore[return-value]


DESCRIBED = {"architecture": "resnet18", "output_stride": 16, "shares_backbone": False, "std": [1, 1, 1]}


@pytest.mark.parametrize(
    "make",
    [
        with_nan,
        cut_off,
        with_record(classes=3),
        with_record(info={"alpha": "much"}),
        with_record(info={"cam_side": 10**12}),
        with_record(info=[]),
        with_record(classifier=DESCRIBED | {"mean": ["a", "b", "c"]}),
        with_record(classifier=DESCRIBED | {"mean": [float("nan")] * 3}),
        with_record(classifier=DESCRIBED | {"mean": [0, 0]}),
        with_record(segmentation=DESCRIBED | {"mean": [0, 0, 0], "width": 10**9}),
    ],
)
def test_damaged_models_are_named(
    make: object, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "models.safetensors"
    make(path)  # type: ignore[operator]
    assert run("predict", data, "--models", path, "--out", tmp_path / "out") == 2
    assert str(path) in one_line(capsys.readouterr().err)


def test_weights_whose_input_convention_is_no_numbers_are_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights.safetensors"
    backbone = build_backbone("resnet18")
    save_backbone(path, backbone)
    tensors = {name: value.contiguous() for name, value in backbone.state_dict().items()}
    for mean, std in (("a b c", "1 1 1"), ("0 0", "1 1 1"), ("0 0 0", "0 0 0"), ("nan 0 0", "1 1 1")):
        save_file(tensors, path, {"mean": mean, "std": std})
        assert run("train-seg", data, "--out", tmp_path / "net.safetensors", "--weights", path) == 2
        assert str(path) in one_line(capsys.readouterr().err)


@PIPES
@pytest.mark.parametrize("command", ["train-seg", "train-strokes"])
def test_a_device_is_not_replaced_by_a_result(
    command: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, data, "--out", "/dev/null") == 2
    assert "/dev/null" in one_line(capsys.readouterr().err)
    assert not Path("/dev/null").is_file()


def test_a_picture_of_no_kind_is_refused_before_the_work(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("simulate", data, "--curve", "--picture", data / "curve.doc") == 2
    assert "curve.doc" in one_line(capsys.readouterr().err)


def test_figures_that_are_no_numbers_are_null_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("pred", "truth"):
        (tmp_path / name).mkdir()
        save_mask(tmp_path / name / "a.png", np.full((4, 4), 255 if name == "truth" else 0, np.uint8))
    run("evaluate", tmp_path / "pred", tmp_path / "truth", "--json")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    out = capsys.readouterr().out
    assert not out or json.loads(out, parse_constant=refuse)["miou"] is None


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")]
)
def test_too_little_memory_is_no_fault_of_the_program(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("trainer.evaluation.evaluate_folders", greedy)
    assert run("evaluate", ".", ".") == 2
    assert "not enough memory" in one_line(capsys.readouterr().err)


def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path: Path) -> None:
    """`main.py … | head -1` closes the pipe."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "main.py", "sample", tmp_path / "sample"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert not done.stderr


def test_names_are_shown_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "classes.txt").write_text("[bold]\n[]cat:smile:\n".replace(":", "_"))
    save_mask(tmp_path / "a.png", np.ones((4, 4), np.uint8))
    assert run("evaluate", tmp_path, tmp_path) == 0
    assert "[bold]" in capsys.readouterr().out
