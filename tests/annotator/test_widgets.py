"""Small pieces of panels: what the wheel does to them."""

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QScrollArea, QSlider, QWidget
from pytestqt.qtbot import QtBot

from annotator.shell.window import Window
from annotator.widgets import ComboBox, Slider


def turn_wheel(over: QWidget) -> None:
    """Turn the wheel one notch down over the middle of a widget."""
    window = over.window()
    QTest.wheelEvent(window.windowHandle(), over.mapTo(window, over.rect().center()), QPoint(0, -120))


def value(widget: QWidget) -> int:
    return widget.value() if isinstance(widget, QSlider) else widget.currentIndex()


def test_the_wheel_over_a_panel_scrolls_it_whatever_lies_under_the_mouse(
    active: Window, qtbot: QtBot
) -> None:
    active.resize(1100, 700)
    for name in ("seeds", "trainer"):
        active.docks[name].raise_()
        panel = active.docks[name].widget()
        (area,) = panel.findChildren(QScrollArea)
        bar = area.verticalScrollBar()
        qtbot.waitUntil(lambda bar=bar: bar.maximum() > 0)
        kinds = [
            each
            for each in (*panel.findChildren(QSlider), *panel.findChildren(pg.PlotWidget))
            if each.isVisible()
        ]
        for each in kinds:
            area.ensureWidgetVisible(each)
            bar.setValue(min(bar.value(), bar.maximum() - 50))
            where = bar.value()
            before = value(each) if isinstance(each, QSlider) else None
            turn_wheel(each)
            assert bar.value() > where, (name, each)
            assert before is None or value(each) == before


@pytest.mark.parametrize("kind", [Slider, ComboBox])
def test_sliders_and_lists_take_the_wheel_only_with_the_keyboard(kind: type[QWidget], qtbot: QtBot) -> None:
    widget = kind()
    qtbot.addWidget(widget)
    if isinstance(widget, QComboBox):
        widget.addItems(["one", "two", "three"])
    else:
        widget.setValue(50)
    widget.show()
    qtbot.waitExposed(widget)
    widget.activateWindow()
    qtbot.waitUntil(widget.isActiveWindow)
    widget.clearFocus()
    before = value(widget)
    turn_wheel(widget)
    assert value(widget) == before and not widget.hasFocus()
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)
    turn_wheel(widget)
    assert value(widget) != before
