"""The Tags panel: tags in, classes chosen, empty states that say what to do."""

from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from desk import says, segmenting_engine, small_engine, wait_settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar
from pytestqt.qtbot import QtBot

from annotator.panels.tags import TagsPanel
from annotator.session import Session
from annotator.session.document import Basis
from annotator.session.engine_loading import Loaded
from annotator.shell.window import Window
from annotator.theme import Theme
from annotator.widgets import CrossButton
from trainer.data.project import Project, Status
from trainer.engine import Engine, Suggestion
from trainer.translatable import translatable
from trainer.worker.messages import Promoted


@pytest.fixture
def panel(opened: Session, qtbot: QtBot) -> TagsPanel:
    panel = TagsPanel(opened, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    return panel


def type_tag(panel: TagsPanel, text: str, qtbot: QtBot) -> None:
    qtbot.keyClicks(panel.field, text)
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)


def test_a_typed_tag_is_added_chosen_and_proposed(panel: TagsPanel, opened: Session, qtbot: QtBot) -> None:
    type_tag(panel, "dog", qtbot)
    assert opened.record.tags == ("person", "dog")
    assert opened.class_id == opened.classes.id_of("dog")
    assert [row.class_id for row in panel.rows] == [0, 15, 12]
    qtbot.waitUntil(lambda: panel.field.text() == "")
    wait_settled(opened, qtbot)


def test_an_unknown_name_is_asked_about_not_dropped(panel: TagsPanel, opened: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.class_wanted) as wanted:
        type_tag(panel, "zebra", qtbot)
    assert wanted.args == ["zebra"] and opened.record.tags == ("person",)


def test_digits_and_clicks_choose_the_class(panel: TagsPanel, opened: Session, qtbot: QtBot) -> None:
    panel.choose(0)
    assert opened.class_id == 0
    qtbot.mouseClick(panel.rows[1], Qt.MouseButton.LeftButton)
    assert opened.class_id == 15
    panel.choose(7)  # no such row
    assert opened.class_id == 15


def test_a_typed_tag_that_is_there_already_is_chosen(panel: TagsPanel, opened: Session, qtbot: QtBot) -> None:
    opened.tagging.set_tags(opened.classes.names[:12])  # more than there are digits
    wait_settled(opened, qtbot)
    type_tag(panel, opened.classes.names[11], qtbot)
    assert opened.class_id == 12 and len(opened.record.tags) == 12


def test_the_chosen_class_is_brought_into_sight(panel: TagsPanel, opened: Session, qtbot: QtBot) -> None:
    panel.resize(280, 150)
    opened.tagging.set_tags(opened.classes.names[:12])
    wait_settled(opened, qtbot)
    row = panel.rows[12]
    qtbot.waitUntil(lambda: row.y() > panel.height())
    assert row.visibleRegion().isEmpty()
    opened.class_id = row.class_id
    qtbot.waitUntil(lambda: not row.visibleRegion().isEmpty())


def test_what_the_models_do_not_know_is_told_below_the_tags(panel: TagsPanel, opened: Session) -> None:
    note = translatable(
        "The models have not learnt {classes}, so no mask is proposed for it: click on the object, "
        "or learn it from tags.",
        classes="zebra",
    )
    opened.document.basis = Basis(replace(opened.proposal, note=note))
    opened.proposal_changed.emit()
    assert says(panel, "not learnt zebra")


def test_without_its_last_tag_nobody_has_said_what_an_image_shows(
    panel: TagsPanel, opened: Session, qtbot: QtBot
) -> None:
    (cross,) = panel.rows[1].findChildren(CrossButton)
    qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)
    assert opened.record.tags == () and not opened.record.tagged
    assert says(panel, "No tags yet") and not panel.none.isChecked()
    wait_settled(opened, qtbot)
    assert not opened.project.record(opened.image_id).tagged


def test_background_only_is_said_by_a_box_of_its_own_and_taken_back_by_it(
    panel: TagsPanel, opened: Session, qtbot: QtBot
) -> None:
    opened.tagging.set_tags(None)
    for tagged in (True, False):
        panel.none.setFocus()
        qtbot.keyClick(panel.none, Qt.Key.Key_Space)
        wait_settled(opened, qtbot)
        assert opened.project.record(opened.image_id).tagged is tagged and panel.none.isChecked() is tagged


@pytest.fixture
def untagged(sample: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sample without any tags, but with its classes; all of them are suggested by random weights."""
    monkeypatch.setattr("trainer.engine.engine.LIKELY", 0.2)
    (sample / "tags.csv").unlink()
    (sample / "classes.txt").write_text("cat\nperson\ncar\n")
    return sample


def test_an_image_without_tags_says_what_to_do_and_a_click_takes_a_suggestion(
    session: Session, untagged: Path, qtbot: QtBot
) -> None:
    panel = TagsPanel(session, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    session.open_project(untagged)
    wait_settled(session, qtbot)
    assert says(panel, "No tags yet") and panel.none.isVisible() and not panel.none.isChecked()
    qtbot.waitUntil(lambda: len(panel.chips) == 3, timeout=20000)
    first, second, third = (suggestion.name for suggestion in session.suggestions)
    assert "classifier" in panel.chips[0].toolTip()
    assert not session.record.tagged, "a suggestion is not a tag"
    qtbot.mouseClick(panel.chips[0], Qt.MouseButton.LeftButton)
    assert session.record.tags == (first,)
    assert [chip.text().split()[0] for chip in panel.chips] == [second, third]
    panel.chips[1].setFocus()
    qtbot.keyClick(panel.chips[1], Qt.Key.Key_Space)
    assert session.record.tags == (first, third)
    wait_settled(session, qtbot)


def test_the_segmentation_network_suggests_what_it_sees(untagged: Path, qtbot: QtBot) -> None:
    def load(project: Project) -> Loaded:
        engine, segmenting = unlearnt_engine(project).engine, segmenting_engine(project).engine
        engine.replace_models(segmentation=segmenting.models.segmentation)
        return Loaded(engine)

    session = Session(load)
    panel = TagsPanel(session, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    session.open_project(untagged)
    wait_settled(session, qtbot)
    qtbot.waitUntil(lambda: len(panel.chips) == 1, timeout=20000)
    (chip,) = panel.chips
    assert chip.text().startswith("person") and "segmentation network" in chip.toolTip()
    assert not session.record.tagged
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert session.record.tags == ("person",) and panel.chips == []
    wait_settled(session, qtbot)
    assert session.close()


def test_an_image_whose_proposal_is_at_hand_already_gets_suggestions_too(
    session: Session, untagged: Path, qtbot: QtBot
) -> None:
    session.open_project(untagged)
    wait_settled(session, qtbot)
    qtbot.waitUntil(lambda: session.predictor.known(session.order[1]) is not None, timeout=20000)
    for step in (1, -1):
        with qtbot.waitSignal(session.image_changed, timeout=20000):
            session.go(step)
        qtbot.waitUntil(lambda: len(session.suggestions) == 3, timeout=20000)
        wait_settled(session, qtbot)


def unlearnt_engine(project: Project) -> Loaded:
    """The small engine, which knows no class of the project yet."""
    loaded = small_engine(project)
    with torch.no_grad():
        loaded.engine.models.classifier.head.weight.zero_()
    return Loaded(Engine(loaded.engine.models, loaded.engine.settings))


@pytest.mark.parametrize("late", [False, True])
def test_what_former_models_suggested_is_not_shown_with_those_that_have_not_learnt_it(
    late: bool, untagged: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, may_answer = [small_engine], Event()
    session = Session(lambda project: chosen[0](project))
    panel = TagsPanel(session, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    answers: list[int] = []
    suggest = Engine.suggest_tags

    def slow(engine: Engine, image: np.ndarray) -> list[Suggestion]:
        found = suggest(engine, image)
        if late:
            may_answer.wait(60)
        answers.append(len(found))
        return found

    monkeypatch.setattr(Engine, "suggest_tags", slow)
    session.open_project(untagged)
    wait_settled(session, qtbot)
    if not late:
        qtbot.waitUntil(lambda: len(panel.chips) == 3, timeout=20000)
    shown: list[int] = []
    session.suggestions_changed.connect(lambda: shown.append(len(session.suggestions)))
    chosen[0] = unlearnt_engine
    with qtbot.waitSignal(session.models.ready, timeout=20000):
        session.models.reload()
        assert panel.chips == []
    may_answer.set()
    qtbot.waitUntil(lambda: answers == [3, 0], timeout=20000)
    wait_settled(session, qtbot)
    assert panel.chips == [] and not any(shown)
    assert session.close()


def test_nothing_of_the_list_ends_the_suggestions(session: Session, untagged: Path, qtbot: QtBot) -> None:
    panel = TagsPanel(session, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    session.open_project(untagged)
    qtbot.waitUntil(lambda: bool(panel.chips), timeout=20000)
    qtbot.keyClick(panel.none, Qt.Key.Key_Space)
    assert session.record.tags == () and session.record.tagged and panel.chips == []
    wait_settled(session, qtbot)


def test_each_tag_shows_how_sure_the_cam_is(panel: TagsPanel, qtbot: QtBot) -> None:
    score = panel.rows[1].findChild(QProgressBar)
    qtbot.waitUntil(score.isVisible, timeout=10000)
    assert score.value() > 0


def test_a_tag_typed_in_capitals_is_the_class_there_is(
    panel: TagsPanel, opened: Session, qtbot: QtBot
) -> None:
    type_tag(panel, "Dog", qtbot)
    assert opened.record.tags == ("person", "dog")
    wait_settled(opened, qtbot)


def test_enter_leaves_an_empty_field_for_the_photo(active: Window, qtbot: QtBot) -> None:
    session = active.session
    qtbot.keyClick(active.canvas, Qt.Key.Key_T)
    qtbot.keyClick(active.tags.field, Qt.Key.Key_Return)
    assert active.canvas.hasFocus()
    assert session.save() and session.record.status is not Status.ACCEPTED


def test_a_key_takes_the_tag_that_is_suggested_first(active: Window, qtbot: QtBot) -> None:
    session = active.session
    action = active.actions_table["take_suggestion"]
    assert not action.isEnabled()
    session.document.suggestions = (Suggestion("cup", 0.9, False), Suggestion("rocket", 0.8, False))
    session.suggestions_changed.emit()
    qtbot.keyClick(active.canvas, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    assert "cup" in session.record.tags and "rocket" not in session.record.tags
    wait_settled(session, qtbot)


def test_what_a_promoted_network_has_learnt_is_suggested_too(untagged: Path, qtbot: QtBot) -> None:
    session = Session(unlearnt_engine)
    panel = TagsPanel(session, Theme("dark"))
    qtbot.addWidget(panel)
    panel.show()
    session.open_project(untagged)
    wait_settled(session, qtbot)
    assert session.project is not None and panel.chips == []
    network = segmenting_engine(session.project).engine.models.segmentation
    session.engine.replace_models(segmentation=network, version=1)
    session.predictor.hear(Promoted(1, 0.9, "segmentation"))
    qtbot.waitUntil(lambda: [chip.text().split()[0] for chip in panel.chips] == ["person"], timeout=20000)
    assert not session.record.tagged, "a suggestion is not a tag"
    wait_settled(session, qtbot)
    assert session.close()
