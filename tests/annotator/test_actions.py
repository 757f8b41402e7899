"""The one table of actions: complete, without conflicts, its keys the person's to change."""

from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from annotator.actions import ACTIONS, GROUPS, Actions
from annotator.settings import DeskSettings
from annotator.theme import Theme


@pytest.fixture
def actions(qtbot: QtBot) -> Actions:
    return Actions(DeskSettings())


def test_no_key_is_given_twice_and_every_key_is_one_qt_knows() -> None:
    keys = [QKeySequence(spec.key).toString() for spec in ACTIONS if spec.key]
    assert all(keys)
    assert len(keys) == len(set(keys))


def test_every_action_is_explained_and_has_an_icon(qtbot: QtBot) -> None:
    theme = Theme("light")
    assert len({spec.id for spec in ACTIONS}) == len(ACTIONS)
    for spec in ACTIONS:
        assert spec.help.endswith(".") and spec.group in GROUPS
        assert not theme.icon(spec.icon).isNull()


def test_a_changed_key_is_used_and_remembered(actions: Actions) -> None:
    actions.set_key("brush", "K")
    assert actions["brush"].shortcut() == QKeySequence("K")
    assert Actions(DeskSettings()).key("brush") == "K"
    actions.reset_keys()
    assert actions["brush"].shortcut() == QKeySequence("B")
    assert DeskSettings().keys == {}


def test_a_taken_key_is_refused_and_names_its_owner(actions: Actions) -> None:
    with pytest.raises(ValueError, match="Eraser"):
        actions.set_key("brush", "E")
    assert actions.key("brush") == "B"
    actions.set_key("eraser", "")
    actions.set_key("brush", "E")
    assert actions["brush"].shortcut() == QKeySequence("E")


def test_a_key_that_comes_with_another_is_taken_as_well(actions: Actions) -> None:
    assert QKeySequence("Ctrl+Y") in actions["redo"].shortcuts()
    with pytest.raises(ValueError, match="Redo"):
        actions.set_key("flag", "Ctrl+Y")
    actions.set_key("redo", "Ctrl+R")
    actions.set_key("flag", "Ctrl+Y")
    with pytest.raises(ValueError, match="Flag"):
        actions.set_key("redo", "Ctrl+Shift+Z")


def test_unreadable_memory_counts_as_none(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "settings" / "affinity-annotator" / "desk.ini"
    file.parent.mkdir(parents=True)
    file.write_text("[General]\nkeys={broken\nbrush_share=wide\ntheme=dark\n")
    settings = DeskSettings()
    assert settings.theme == "dark"
    assert settings.keys == {} and settings.brush_share == 0.024
