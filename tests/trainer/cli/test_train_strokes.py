"""`main.py train-strokes`, from photos with masks to a network that answers strokes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import one_line, run

from trainer.models.stroke_net import FULL, load_stroke_net


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the network see small views."""
    monkeypatch.setattr("trainer.learn.strokes.SHAPES", ((64, 96), (96, 64), (80, 80)))


def test_a_network_is_trained_judged_and_saved(
    voc_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, exclude = tmp_path / "strokes.safetensors", tmp_path / "exclude.txt"
    exclude.write_text("four\n")
    options = ("--steps", 2, "--batch", 2, "--held-out", 0.3, "--exclude", exclude, "--json")
    assert run("train-strokes", voc_tree, "--out", out, *options) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["network"] == str(out)
    # "three" shows nothing, "four" is left out.
    assert figures["photos"] == figures["held out"] == 1 and figures["noc@90"] >= 1
    assert load_stroke_net(out).parts == FULL
    assert not list(tmp_path.glob("*.checkpoint"))


def test_where_all_photos_are_held_out_it_is_said(
    voc_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "exclude.txt").write_text("two four")
    options = ("--out", tmp_path / "strokes.safetensors", "--held-out", 0.5)
    assert run("train-strokes", voc_tree, *options, "--exclude", tmp_path / "exclude.txt") == 2
    assert "all photos are held out" in capsys.readouterr().err


@pytest.mark.parametrize("lacking", ["objects", "start", "exclude", "folder"])
def test_what_is_wrong_is_said_in_one_sentence(
    lacking: str, voc_tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = tmp_path / "absent"
    objects = absent if lacking == "objects" else voc_tree
    out = tmp_path if lacking == "folder" else tmp_path / "strokes.safetensors"
    given = ("--" + lacking, absent) if lacking in ("start", "exclude") else ()
    assert run("train-strokes", objects, "--out", out, *given) == 2
    assert (tmp_path.name if lacking == "folder" else "absent") in one_line(capsys.readouterr().err)
