"""The Trainer panel: what it shows of the messages it hears."""

import pytest
from pytestqt.qtbot import QtBot

from annotator.panels.trainer import TrainerPanel
from annotator.session import Session
from annotator.theme import Theme
from trainer.messages import (
    LossPoint,
    Pause,
    Progress,
    Promoted,
    SetModel,
    Start,
    State,
    StateChanged,
    ValidationPoint,
)


@pytest.fixture
def panel(opened: Session, qtbot: QtBot) -> TrainerPanel:
    panel = TrainerPanel(opened, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_state_and_reason_are_told_in_words(panel: TrainerPanel) -> None:
    panel.hear(StateChanged(State.WAITING, "Correct two images."))
    assert panel.state_name.text() == "Waiting for corrections"
    assert panel.reason.text() == "Correct two images."
    assert not panel._progress.isVisible()


def test_progress_and_curves_follow_the_messages(panel: TrainerPanel, qtbot: QtBot) -> None:
    panel.hear(StateChanged(State.TRAINING, "Learns."))
    panel.hear(Progress(2, 0.25, "learning"))
    for step in range(5):
        panel.hear(LossPoint(step, 1.0 / (step + 1)))
    panel.hear(ValidationPoint(1, 0.5, 0.6))
    assert panel._progress.isVisible() and panel._progress.value() == 250
    assert panel._doing.text() == "Round 2: learning"
    qtbot.waitUntil(lambda: len(panel._loss_plot.listDataItems()) == 1)
    assert list(panel._loss_plot.listDataItems()[0].yData) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert len(panel._validation_plot.listDataItems()) == 2


def test_the_button_pauses_and_starts(
    panel: TrainerPanel, opened: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(opened.predictor, "post", said.append)
    panel.hear(StateChanged(State.TRAINING, ""))
    panel.button.click()
    panel.hear(StateChanged(State.PAUSED, ""))
    panel.button.click()
    assert said == [Pause(), Start()]


def test_versions_are_listed_and_one_can_go_back(
    panel: TrainerPanel, opened: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    for score in (0.5, 0.7):
        opened.project.add_model_version(opened.project.models_dir / f"{score}.safetensors", score)
    panel.hear(Promoted(2, 0.7))
    rows = [panel._versions.itemAt(i).widget() for i in range(panel._versions.count())]
    assert len(rows) == 3
    monkeypatch.setattr(opened.predictor, "post", said.append)
    from PySide6.QtWidgets import QToolButton

    assert rows[0].findChild(QToolButton) is None  # in use
    rows[1].findChild(QToolButton).click()
    assert said == [SetModel(1)]
