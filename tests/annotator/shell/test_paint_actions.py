"""The painting keys: tool, target, class and brush."""

from desk import press, wait_settled
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.settings import DeskSettings
from annotator.shell.window import Window
from trainer.data.classes import BACKGROUND, EDIT_VOID
from trainer.data.project import Target

K = Qt.Key


def test_keys_choose_tool_target_and_class(active: Window, qtbot: QtBot) -> None:
    session = active.session
    for key, tool in ((K.Key_E, "eraser"), (K.Key_P, "polygon"), (K.Key_B, "brush")):
        press(active, key, qtbot)
        assert session.tool == tool and active.actions_table[tool].isChecked()
    press(active, K.Key_M, qtbot)
    assert session.target is Target.MASK
    press(active, K.Key_0, qtbot)
    assert session.class_id == 0
    press(active, K.Key_1, qtbot)
    assert session.class_id == session.classes.id_of(session.record.tags[0])
    press(active, K.Key_U, qtbot)
    assert session.class_id == EDIT_VOID
    press(active, K.Key_Q, qtbot)
    assert session.target is Target.SEEDS and session.class_id != EDIT_VOID


def test_brush_keys_size_the_brush_and_the_size_is_remembered(active: Window, qtbot: QtBot) -> None:
    before = active.session.brush_radius
    press(active, K.Key_BracketRight, qtbot)
    assert active.session.brush_radius > before
    active.close()
    assert DeskSettings().brush_share == active.session.brush_share


def test_undecided_gives_way_to_background_on_the_seeds_of_a_photo_without_tags(
    active: Window, qtbot: QtBot
) -> None:
    session = active.session
    session.tagging.set_tags(None)
    wait_settled(session, qtbot)
    for key in (Qt.Key.Key_U, Qt.Key.Key_Q):
        press(active, key, qtbot)
    assert session.target is Target.SEEDS and session.class_id == BACKGROUND
