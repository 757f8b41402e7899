"""The examples of CONTRIBUTING.md do what it says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from canvas_desk import CAT, at, open_canvas, open_session, paint
from PIL import Image
from pytestqt.qtbot import QtBot

from annotator.canvas.tools import TOOLS
from trainer.data.classes import ClassList
from trainer.data.export import write_data_set
from trainer.data.formats.base import ExportEntry
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import BACKBONES, build_backbone
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(name: str) -> Any:
    """The class of this name, from the block of code that defines it."""
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", TEXT, re.S) if f"class {name}(" in block)
    names: dict[str, Any] = {"__name__": "example"}
    exec(code, names)
    return names[name]


def test_the_tool_paints_one_pixel(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = example("Point")
    monkeypatch.setattr("annotator.canvas.view.TOOLS", (*TOOLS, tool))
    session = open_session(qtbot, tmp_path, np.zeros((60, 80, 3), np.uint8))
    view = open_canvas(qtbot, session)
    session.tool = tool.name
    paint(view, at(view, 30.5, 20.5))
    assert np.argwhere(session.corrections == CAT).tolist() == [[20, 30]]


def test_the_format_lists_the_names(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "cat.png"
    photo.parent.mkdir()
    mask = np.zeros((4, 5), np.uint8)
    Image.fromarray(np.dstack([mask] * 3)).save(photo)
    entries = [ExportEntry(name, photo, mask, ("cat",)) for name in ("b", "a")]
    assert write_data_set(example("NamesWriter"), tmp_path / "out", entries, ClassList(("cat",))) == []
    assert (tmp_path / "out" / "names.txt").read_text() == "a\nb\n"


def test_the_backbone_carries_all_three_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = example("Tiny")
    monkeypatch.setitem(BACKBONES, tiny.name, tiny)
    images = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(0))
    backbone = build_backbone(tiny.name).eval()
    assert CamClassifier(backbone, 4).eval().cam(images).shape == (2, 4, 5, 7)
    assert AffinityNet(backbone).eval()(images).shape[2:] == (5, 7)
    assert SegmentationNet(backbone, 4).eval()(images).shape == (2, 5, 40, 56)
