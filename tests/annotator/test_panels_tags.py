"""The Tags panel: tags in, classes chosen, empty states that say what to do."""

import pytest
from desk import wait_settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from annotator.panels.tags import TagsPanel
from annotator.session import Session
from annotator.theme import Theme


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


def test_a_tag_is_removed_by_its_cross(panel: TagsPanel, opened: Session, qtbot: QtBot) -> None:
    panel.rows[1].removed.emit(15)
    assert opened.record.tags == () and opened.record.tagged
    assert "Nothing of the class list" in panel._empty.text()
    wait_settled(opened, qtbot)


def test_an_image_without_tags_says_what_to_do_and_gets_suggestions(
    panel: TagsPanel, opened: Session, qtbot: QtBot
) -> None:
    opened.project.set_tags(opened.image_id, None)
    opened._reload_record(opened.image_id)
    assert "No tags yet" in panel._empty.text() and panel._none.isVisible()
    opened._suggestions = (("cat", 0.9), ("dog", 0.4), ("cow", 0.01))
    opened.suggestions_changed.emit()
    chips = [panel._chips.itemAt(i).widget() for i in range(panel._chips.count())]
    assert [chip.text().split()[0] for chip in chips if isinstance(chip, QPushButton)] == ["cat", "dog"]
    chips[0].click()
    assert opened.record.tags == ("cat",)
    wait_settled(opened, qtbot)


def test_each_tag_shows_how_sure_the_cam_is(panel: TagsPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: panel.rows[1]._score.isVisible(), timeout=10000)
    assert panel.rows[1]._score.value() > 0
