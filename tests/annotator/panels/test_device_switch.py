"""The switch for the GPU. Here the CPU stands in for one, under another name that torch knows."""

from pathlib import Path

import numpy as np
import pytest
import torch
from desk import go_to, says, small_engine, wait_settled
from pytestqt.qtbot import QtBot

import annotator.session.predictor
from annotator.panels.device import DeviceBox
from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.window import Window
from annotator.theme import Theme
from trainer.engine import Engine, Models, Proposal, Suggestion

GPU = "cpu:0"
MEMORY = torch.OutOfMemoryError("CUDA out of memory.")


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotator.session.predictor, "find_gpu", lambda: GPU)


def box(window: Window) -> DeviceBox:
    window.docks["trainer"].raise_()
    return window.trainer.device


def test_without_a_gpu_the_switch_is_off_and_says_so(window: Window) -> None:
    assert not box(window).switch.isEnabled() and not box(window).switch.isChecked()
    assert says(box(window), "No GPU was found")
    window.close()
    assert DeskSettings().use_gpu, "nobody has chosen yet"


@pytest.mark.usefixtures("with_gpu")
def test_the_gpu_is_used_by_itself_and_a_person_may_switch_it_off_for_good(
    window: Window, sample: Path, qtbot: QtBot
) -> None:
    engine = window.session.engine
    qtbot.waitUntil(lambda: engine.device == GPU)
    assert box(window).switch.isChecked() and box(window).switch.isEnabled()
    box(window).switch.click()
    qtbot.waitUntil(lambda: engine.device == "cpu")
    window.close()
    assert not DeskSettings().use_gpu
    again = Window(Session(small_engine), DeskSettings(), Theme("dark"))
    qtbot.addWidget(again)
    again.show()
    again.project_actions.open_path(sample)
    wait_settled(again.session, qtbot)
    qtbot.waitUntil(box(again).switch.isEnabled)
    assert again.session.engine.device == "cpu" and not box(again).switch.isChecked()
    box(again).switch.click()
    qtbot.waitUntil(lambda: again.session.engine.device == GPU)
    again.close()


@pytest.mark.usefixtures("with_gpu")
def test_out_of_memory_is_told_in_one_sentence_and_strokes_and_preference_stay(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, propose = window.session, Engine.propose
    qtbot.waitUntil(lambda: session.engine.device == GPU)
    said: list[tuple[str, str]] = []
    session.message.connect(lambda kind, text: said.append((kind, text)))

    def full(engine: Engine, image: np.ndarray, tags: tuple[str, ...], fast: bool = False) -> Proposal:
        if engine.device == GPU:
            raise MEMORY
        return propose(engine, image, tags, fast)

    monkeypatch.setattr(Engine, "propose", full)
    go_to(session, "chelsea", qtbot)
    assert session.engine.device == "cpu"
    assert said == [
        ("warning", "The GPU has no memory left, so the CPU goes on in its place; nothing is lost.")
    ]
    assert not box(window).switch.isChecked() and box(window).switch.isEnabled()
    window.close()
    assert DeskSettings().use_gpu


@pytest.mark.usefixtures("with_gpu")
def test_tags_are_suggested_by_the_cpu_where_the_gpu_cannot(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.session
    qtbot.waitUntil(lambda: session.engine.device == GPU)
    monkeypatch.setattr(Models, "device", property(lambda models: GPU))
    failures = [MEMORY]

    def once(engine: Engine, image: np.ndarray) -> list[Suggestion]:
        if failures:
            raise failures.pop()
        return [Suggestion("person", 0.9, segmented=False)]

    monkeypatch.setattr(Engine, "suggest_tags", once)
    session.tagging.set_tags(None)
    qtbot.waitUntil(lambda: bool(session.suggestions), timeout=20000)
    assert not failures and session.engine.device == "cpu"
