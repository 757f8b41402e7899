"""A box around an object: dragged, journaled as a stroke, undone, and there again at the next opening."""

import numpy as np
from canvas_desk import LEFT, at, move, paint, press, release
from desk import go_to, wait_settled
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.canvas.view import CanvasView
from annotator.session import Session
from trainer.data.project import Target

BOX = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def test_the_object_in_a_box_becomes_a_stroke_that_undo_takes_back(cat: Session, qtbot: QtBot) -> None:
    session = cat
    view = CanvasView(session)
    qtbot.addWidget(view)
    view.resize(640, 480)
    view.show()
    height, width = session.mask.shape
    session.class_id = session.classes.id_of("dog")  # a class that the photo is not tagged with
    before = session.mask.copy()
    corners = at(view, 0.2 * width, 0.2 * height), at(view, 0.7 * width, 0.9 * height)

    press(view, corners[0], LEFT, BOX)
    move(view, corners[1], BOX)
    assert view.tool.name == "box" and view.tool.pending
    release(view, corners[1], LEFT, BOX)
    assert view.tool.name == "brush"
    qtbot.waitUntil(lambda: (session.corrections == session.class_id).any(), timeout=20000)
    wait_settled(session, qtbot)
    painted = session.corrections == session.class_id
    rows, columns = np.nonzero(painted)
    assert 0.2 * height <= rows.min() and columns.max() <= 0.7 * width
    assert (session.mask == session.class_id).sum() > painted.sum()  # the whole object, from its core
    after, strokes = session.mask.copy(), session.corrections.copy()
    assert session.project.can_undo("chelsea")

    go_to(session, "coffee", qtbot)
    go_to(session, "chelsea", qtbot)
    assert (session.corrections == strokes).all() and (session.mask == after).all()
    session.strokes.undo()
    session.save()
    wait_settled(session, qtbot)
    assert (session.corrections == 255).all() and (session.mask == before).all()


def test_esc_gives_a_box_up_and_a_click_is_none(cat: Session, qtbot: QtBot) -> None:
    session = cat
    view = CanvasView(session)
    qtbot.addWidget(view)
    view.resize(640, 480)
    view.show()
    session.tool, session.target = "box", Target.SEEDS
    press(view, at(view, 20, 20))
    move(view, at(view, 90, 90))
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not view.tool.pending
    release(view, at(view, 90, 90))
    paint(view, at(view, 50, 50))
    session.class_id = 0
    with qtbot.waitSignal(session.message) as told:
        paint(view, at(view, 20, 20), at(view, 90, 90))
    assert "Choose a class first" in told.args[1]
    session.jobs.finish()
    wait_settled(session, qtbot)
    assert (session.corrections == 255).all()
