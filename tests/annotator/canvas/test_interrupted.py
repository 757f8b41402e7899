"""What takes the mouse, the keyboard or the image away ends a stroke, and the stroke is kept."""

from collections.abc import Callable

import pytest
from canvas_desk import LEFT, at, move, press, release
from desk import wait_settled
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from annotator.shell.window import Window
from trainer.data.classes import UNTOUCHED
from trainer.data.project import Project, Target

K = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def drawing(active: Window) -> Window:
    """A window on the mask of whose photo a stroke has begun and the button is down."""
    canvas = active.canvas
    active.session.target, active.session.brush_radius, active.session.class_id = Target.MASK, 4.0, 15
    press(canvas, at(canvas, 20, 20))
    move(canvas, at(canvas, 50, 20))
    assert canvas.tool.busy
    return active


def painted(window: Window, image_id: str) -> tuple[bool, bool]:
    """Whether the stroke is in the journal, and whether anything is that was drawn after it was cut off."""
    shape = window.session.mask.shape
    window.session.save()
    layer = window.session.project.layer(image_id, Target.MASK, shape)
    return bool(layer[20, 20] == layer[20, 50] == 15), bool((layer[60:] != UNTOUCHED).any())


def go_on(window: Window) -> None:
    """Move on as if nothing had happened, then let go."""
    move(window.canvas, at(window.canvas, 60, 70))
    release(window.canvas, at(window.canvas, 60, 70))


def key(which: K, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> Callable:
    return lambda window, qtbot: qtbot.keyClick(window.canvas, which, modifiers)


INTERRUPTIONS = {
    "undo": key(K.Key_Z, CONTROL),
    "next image": key(K.Key_D),
    "shortcut sheet": key(K.Key_F1),
    "another tool": key(K.Key_E),
    "inspect view": key(K.Key_W),
    "search": key(K.Key_F, CONTROL),
    "another layer": key(K.Key_Q),
    "a dialog": lambda window, qtbot: window.project_actions.edit_classes(),
}


@pytest.mark.parametrize("what", INTERRUPTIONS)
def test_a_stroke_that_is_cut_off_ends_there_and_is_kept(drawing: Window, what: str, qtbot: QtBot) -> None:
    session, first = drawing.session, drawing.session.image_id
    INTERRUPTIONS[what](drawing, qtbot)
    qtbot.waitUntil(lambda: not drawing.canvas.tool.busy)
    go_on(drawing)
    if what == "next image":
        qtbot.waitUntil(lambda: session.image_id != first, timeout=10000)
    for dialog in drawing.findChildren(QDialog):
        dialog.reject()
    assert painted(drawing, first) == (True, False)
    wait_settled(session, qtbot)


def test_undo_during_a_stroke_takes_no_older_one_back(drawing: Window, qtbot: QtBot) -> None:
    canvas, session = drawing.canvas, drawing.session
    release(canvas, at(canvas, 50, 20))
    press(canvas, at(canvas, 20, 40))
    move(canvas, at(canvas, 50, 40))
    qtbot.keyClick(canvas, K.Key_Z, CONTROL)
    release(canvas, at(canvas, 50, 40))
    assert painted(drawing, session.image_id) == (True, False) and session.mask_edits[40, 20] == 15
    qtbot.keyClick(canvas, K.Key_Z, CONTROL)
    assert session.save()
    assert session.mask_edits[40, 20] == UNTOUCHED and session.mask_edits[20, 20] == 15


def test_a_stroke_whose_end_was_told_to_nobody_does_not_go_on(drawing: Window, qtbot: QtBot) -> None:
    canvas, port = drawing.canvas, drawing.canvas.viewport()
    for x, y in ((60, 70), (90, 80)):  # the mouse comes back without a button
        to = canvas.from_image(QPointF(x, y))
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            to,
            port.mapToGlobal(to),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(port, event)
    assert not canvas.tool.busy and not canvas.dragging()
    assert painted(drawing, drawing.session.image_id) == (True, False)
    release(canvas, at(canvas, 90, 80))


def test_a_stroke_is_on_disk_when_the_window_is_closed_in_its_middle(drawing: Window) -> None:
    image_id, file, shape = drawing.session.image_id, drawing.session.project.file, drawing.session.mask.shape
    assert drawing.close()
    project = Project.open(file, reading=True)
    assert project.layer(image_id, Target.MASK, shape)[20, 50] == 15
    project.close()
    release(drawing.canvas, at(drawing.canvas, 50, 20))


@pytest.fixture
def figure(active: Window, qtbot: QtBot) -> Window:
    """A window with a polygon of three corners, begun on a photo without a stroke."""
    active.session.target, active.session.class_id = Target.MASK, 15
    qtbot.keyClick(active.canvas, K.Key_P)
    for x, y in ((20, 20), (70, 20), (70, 60)):
        qtbot.mouseClick(active.canvas.viewport(), LEFT, pos=at(active.canvas, x, y))
    return active


def test_undo_within_a_polygon_takes_its_last_corner_back(figure: Window, qtbot: QtBot) -> None:
    undo, tool = figure.actions_table["undo"], figure.canvas.tool
    for left in (2, 1, 0):
        assert undo.isEnabled()
        qtbot.keyClick(figure.canvas, K.Key_Z, CONTROL)
        assert len(tool.points) == left
    assert not undo.isEnabled() and (figure.session.mask_edits == UNTOUCHED).all()


def test_undo_within_a_polygon_leaves_an_older_stroke_alone(drawing: Window, qtbot: QtBot) -> None:
    canvas = drawing.canvas
    release(canvas, at(canvas, 50, 20))
    qtbot.keyClick(canvas, K.Key_P)
    qtbot.mouseClick(canvas.viewport(), LEFT, pos=at(canvas, 80, 60))
    drawing.actions_table["undo"].trigger()  # as the tool bar does
    assert canvas.tool.points == [] and painted(drawing, drawing.session.image_id) == (True, False)
    drawing.actions_table["undo"].trigger()
    assert painted(drawing, drawing.session.image_id) == (False, False)


def test_a_polygon_outlasts_a_dialog_and_is_closed_when_its_photo_is_left(
    figure: Window, qtbot: QtBot
) -> None:
    session, first = figure.session, figure.session.image_id
    figure.show_keys()
    for dialog in figure.findChildren(QDialog):
        dialog.reject()
    assert len(figure.canvas.tool.points) == 3
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        qtbot.keyClick(figure.canvas, K.Key_D)
    assert not figure.canvas.tool.pending
    assert session.project.layer(first, Target.MASK, session.mask.shape)[30, 60] == 15
    wait_settled(session, qtbot)
