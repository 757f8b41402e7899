"""The Trainer panel: what it shows of the messages it hears."""

import numpy as np
import pytest
from desk import texts
from pyqtgraph import PlotDataItem, PlotWidget
from PySide6.QtWidgets import QProgressBar, QScrollArea, QToolButton
from pytestqt.qtbot import QtBot

from annotator.panels.trainer import TrainerPanel
from annotator.session import Session
from annotator.shell.docks import NARROWEST
from annotator.shell.window import Window
from annotator.theme import Theme
from trainer.data.project import Target
from trainer.errors import WeightsError
from trainer.translatable import translatable
from trainer.worker.messages import (
    LearnTags,
    LossPoint,
    ModelChanged,
    Pause,
    Promoted,
    SetModel,
    Start,
    State,
    StateChanged,
    Stop,
    TrainingProgress,
    ValidationPoint,
)


@pytest.fixture
def panel(opened: Session, qtbot: QtBot) -> TrainerPanel:
    panel = TrainerPanel(opened, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    return panel


def curves(panel: TrainerPanel) -> list[list[PlotDataItem]]:
    """What is drawn of the loss, of the validation, and of the strokes each photo took."""
    return [plot.listDataItems() for plot in panel.findChildren(PlotWidget)]


def test_state_and_reason_are_told_in_words(panel: TrainerPanel) -> None:
    panel.hear(StateChanged(State.WAITING, "Correct two images."))
    assert panel.state_name.text() == "Waiting for corrections"
    assert panel.reason.text() == "Correct two images."
    assert not panel.findChild(QProgressBar).isVisible()


def test_a_narrow_panel_cuts_nothing_in_any_state(panel: TrainerPanel, opened: Session, qtbot: QtBot) -> None:
    panel.resize(NARROWEST, 500)
    scroll = panel.findChild(QScrollArea)
    for state in State:
        panel.hear(StateChanged(state, "Why."))
        assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width()
    opened.propose_all.start()
    assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width()
    qtbot.waitUntil(lambda: not opened.propose_all.running, timeout=60000)


def test_progress_and_curves_follow_the_messages(panel: TrainerPanel, qtbot: QtBot) -> None:
    panel.hear(StateChanged(State.TRAINING, "Learns."))
    panel.hear(TrainingProgress(2, 0.25, "learning"))
    for step in range(5):
        panel.hear(LossPoint(step, 1.0 / (step + 1)))
    panel.hear(ValidationPoint(1, 0.5, 0.6))
    bar = panel.findChild(QProgressBar)
    assert bar.isVisible() and bar.value() == 250
    assert "Round 2: learning" in texts(panel)
    qtbot.waitUntil(lambda: bool(curves(panel)) and len(curves(panel)[0]) == 1)
    (loss,), validation, strokes = curves(panel)
    assert list(loss.yData) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert len(validation) == 2
    assert not strokes


def test_the_strokes_of_each_accepted_photo_and_their_mean_are_drawn(opened: Session, qtbot: QtBot) -> None:
    panel = TrainerPanel(opened, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: len(panel.findChildren(PlotWidget)) == 3)
    plot = panel.findChildren(PlotWidget)[2]
    project, photos = opened.project, list(opened.records)
    assert project is not None
    for strokes, photo in zip((3, 1), photos, strict=False):
        for _ in range(strokes):
            patch = np.ones((2, 2), np.uint8)
            project.record_edit(photo, Target.SEEDS, (0, 0, 2, 2), patch, patch, "brush")
        project.accept(photo, np.ones((8, 8), np.uint8))
        assert not plot.isVisible()
        opened.record_changed.emit(photo)
    qtbot.waitUntil(plot.isVisible)
    dots, mean = plot.listDataItems()
    assert list(dots.yData) == [3, 1]
    assert list(mean.yData) == [3, 2]


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


def test_learning_from_tags_shows_what_it_does_and_how_long_it_takes_and_can_be_stopped(
    panel: TrainerPanel, opened: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(opened.predictor, "post", said.append)
    assert not panel.stop.isVisible()
    panel.learn.click()
    panel.hear(StateChanged(State.TRAINING, "Learning your classes from the tags."))
    panel.hear(TrainingProgress(0, 0.5, "Learning the classes", 65))
    assert panel.findChild(QProgressBar).value() == 500
    assert "Learning the classes · 1:05 left" in texts(panel)
    assert not panel.learn.isEnabled()
    panel.stop.click()
    assert said == [LearnTags(), Stop()]
    panel.hear(StateChanged(State.IDLE, "Training is stopped."))
    assert panel.learn.isEnabled() and not panel.stop.isVisible()


def test_proposing_for_all_images_says_that_it_waits_for_training(
    panel: TrainerPanel, opened: Session, qtbot: QtBot
) -> None:
    panel.hear(StateChanged(State.TRAINING, "Learns."))
    opened.propose_all.start()
    assert panel.propose_all.doing.text() == "Proposing waits until training ends or is paused"
    panel.hear(StateChanged(State.PAUSED, "Training is paused."))
    assert panel.propose_all.doing.text().startswith("Proposing")
    assert "waits" not in panel.propose_all.doing.text()
    qtbot.waitUntil(lambda: not opened.propose_all.running, timeout=60000)
    assert not panel.propose_all.doing.isVisible()


def test_the_curve_of_another_run_begins_anew(panel: TrainerPanel, qtbot: QtBot) -> None:
    for step in (1, 2, 3, 1, 2):
        panel.hear(LossPoint(step, 1.0))
    qtbot.waitUntil(lambda: bool(curves(panel)) and len(curves(panel)[0]) == 1)
    assert list(curves(panel)[0][0].xData) == [1, 2]


def test_versions_are_listed_and_one_can_go_back(
    panel: TrainerPanel, opened: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    for score in (0.5, 0.7):
        opened.project.add_model_version(opened.project.models_dir / f"{score}.safetensors", score)
    panel.hear(Promoted(2, 0.7, "affinity"))
    rows = panel.version_rows
    assert len(rows) == 3
    monkeypatch.setattr(opened.predictor, "post", said.append)
    assert rows[0].findChild(QToolButton) is None  # in use
    rows[1].findChild(QToolButton).click()
    assert said == [SetModel(1)]


def test_why_another_model_is_used_than_the_one_kept_is_told(
    panel: TrainerPanel, opened: Session, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(opened.message) as told:
        panel.hear(ModelChanged(1, translatable("Model {number} is used instead.", number=1)))
    assert told.args == ["warning", "Model 1 is used instead."]


def test_models_that_cannot_be_loaded_are_a_failure_with_a_reason(window: Window) -> None:
    window.session.predictor.unavailable.emit(WeightsError("small.safetensors is damaged"))
    assert window.trainer.state_name.text() == "Failed"
    assert "small.safetensors is damaged" in window.trainer.reason.text()
    assert "Trainer: Failed" in texts(window.status)


def test_rounds_and_their_scores_run_on_from_one_run_to_the_next(panel: TrainerPanel, qtbot: QtBot) -> None:
    for _ in range(2):
        panel.hear(StateChanged(State.TRAINING, "Learns."))
        for number in (1, 2):
            panel.hear(TrainingProgress(number, 0.5, "learning"))
            panel.hear(ValidationPoint(number, 0.5, 0.6))
        doing = texts(panel)
        panel.hear(StateChanged(State.CONVERGED, ""))
    assert "Round 4: learning" in doing
    qtbot.waitUntil(lambda: bool(curves(panel)) and len(curves(panel)[1]) == 2)
    assert list(curves(panel)[1][1].xData) == [1, 2, 3, 4]
