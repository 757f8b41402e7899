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
