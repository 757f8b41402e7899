"""The middle of the window: which view is seen."""

from desk import press
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.window import Window

K = Qt.Key


def test_inspect_view_and_back(active: Window, qtbot: QtBot) -> None:
    press(active, K.Key_W, qtbot)
    assert active.centre.currentWidget() is active.inspect_view
    active.actions_table["inspect"].setChecked(False)
    assert active.centre.currentWidget() is active.canvas


def test_the_keys_for_actual_size_and_whole_image(active: Window, qtbot: QtBot) -> None:
    fitted = active.canvas.zoom_factor
    for inspecting in (False, True):
        active.actions_table["inspect"].setChecked(inspecting)
        view = active.centre.currentWidget()
        qtbot.keyClick(active, K.Key_1, Qt.KeyboardModifier.ControlModifier)
        assert view.zoom_factor == 1
        qtbot.keyClick(active, K.Key_0, Qt.KeyboardModifier.ControlModifier)
        assert view.zoom_factor != 1
    active.actions_table["inspect"].setChecked(False)
    assert active.canvas.zoom_factor == fitted
