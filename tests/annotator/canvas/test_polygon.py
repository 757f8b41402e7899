"""Polygons whose corners move after closing, and outlines that keep to the edges."""

from pathlib import Path

import numpy as np
import pytest
from canvas_desk import CAT, DOG, LEFT, RIGHT, at, move, open_canvas, open_session, paint, propose
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.canvas.live_wire import SIDE, LiveWire
from annotator.canvas.tools.polygon import aligned
from annotator.canvas.view import CanvasView
from annotator.session import Session
from annotator.session.pyramid import pyramid
from trainer.data.project import Target

SHIFT = Qt.KeyboardModifier.ShiftModifier
SQUARE = ((20, 20), (60, 20), (60, 50), (20, 50))


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Session:
    image = np.full((90, 120, 3), 40, np.uint8)
    y, x = np.mgrid[0:90, 0:120]
    image[(x - 60) ** 2 + (y - 45) ** 2 < 30**2] = 200
    session = open_session(qtbot, tmp_path, image)
    session.target = Target.MASK
    return session


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> CanvasView:
    return open_canvas(qtbot, session)


@pytest.fixture
def square(view: CanvasView, session: Session) -> CanvasView:
    """A closed polygon."""
    session.tool = "polygon"
    click(view, *SQUARE)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert area(session) == 40 * 30
    return view


def click(view: CanvasView, *points: tuple[float, float], modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    for x, y in points:
        QTest.mouseClick(view.viewport(), LEFT, modifiers, at(view, x, y))


def area(session: Session, value: int = CAT) -> int:
    return int((session.mask_edits == value).sum())


def test_a_corner_is_dragged_out_and_in_again(square: CanvasView, session: Session) -> None:
    paint(square, at(square, 60, 50), at(square, 90, 60), at(square, 100, 80))
    assert session.mask_edits[60, 75] == CAT
    paint(square, at(square, 100, 80), at(square, 60, 50))
    assert session.mask_edits[60, 75] == 255 and area(session) == pytest.approx(40 * 30, abs=30)


def test_each_change_is_one_step_of_undo_and_the_corners_follow(
    square: CanvasView, session: Session, qtbot: QtBot
) -> None:
    paint(square, at(square, 60, 50), at(square, 100, 80))
    large = area(session)
    session.save()
    session.strokes.undo()
    qtbot.waitUntil(lambda: area(session) == 40 * 30)
    paint(square, at(square, 60, 50), at(square, 58, 48))  # the corner lies where it did
    assert 900 < area(session) < 1200
    for expected in (40 * 30, 0):
        session.save()
        session.strokes.undo()
        qtbot.waitUntil(lambda expected=expected: area(session) == expected)
    paint(square, at(square, 60, 50), at(square, 100, 80))  # no corner there: a new polygon is begun
    assert area(session) == 0 and large > 40 * 30


def test_what_lay_below_comes_back_where_the_polygon_is_made_smaller(
    view: CanvasView, session: Session
) -> None:
    session.strokes.commit((40, 40, 60, 80), np.full((20, 40), DOG, np.uint8), "brush")
    session.tool = "polygon"
    click(view, *SQUARE)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert session.mask_edits[45, 55] == CAT
    paint(view, at(view, 60, 50), at(view, 30, 30))
    assert session.mask_edits[45, 55] == DOG


def test_a_press_on_an_edge_adds_a_corner_and_the_right_button_removes_it(
    square: CanvasView, session: Session
) -> None:
    paint(square, at(square, 60, 35), at(square, 100, 35))
    assert session.mask_edits[35, 85] == CAT
    QTest.mouseClick(square.viewport(), RIGHT, pos=at(square, 100, 35))
    assert area(session) == pytest.approx(40 * 30, abs=2)


def test_escape_gives_a_drag_up_and_then_puts_the_corners_away(square: CanvasView, session: Session) -> None:
    QTest.mousePress(square.viewport(), LEFT, pos=at(square, 60, 50))
    move(square, at(square, 100, 80))
    QTest.keyClick(square, Qt.Key.Key_Escape)
    QTest.mouseRelease(square.viewport(), LEFT, pos=at(square, 100, 80))
    assert area(session) == 40 * 30
    QTest.keyClick(square, Qt.Key.Key_Escape)
    paint(square, at(square, 60, 50), at(square, 100, 80))
    assert area(session) == 40 * 30 and square.tool.pending  # another polygon is begun


def test_a_corner_can_be_moved_on_the_seeds_too(view: CanvasView, session: Session, qtbot: QtBot) -> None:
    propose(qtbot, session)
    session.target, session.tool = Target.SEEDS, "polygon"
    click(view, *SQUARE)
    QTest.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not session.busy)
    paint(view, at(view, 60, 50), at(view, 100, 80))
    assert session.corrections[60, 75] == CAT
    qtbot.waitUntil(lambda: session.mask[60, 75] == CAT)


def test_shift_keeps_edges_level_upright_or_diagonal(view: CanvasView, session: Session) -> None:
    assert aligned(QPointF(0, 0), QPointF(10, 2)) == QPointF(10, 0)
    diagonal = aligned(QPointF(5, 5), QPointF(16, 14))
    assert diagonal.x() == pytest.approx(15) and diagonal.y() == pytest.approx(15)
    session.tool = "polygon"
    click(view, (20, 20))
    click(view, (60, 23), modifiers=SHIFT)
    click(view, (57, 50), (20, 50))
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert (session.mask_edits[20, 25:55] == CAT).all() and (session.mask_edits[19] == 255).all()


def ring(degrees: float) -> tuple[float, float]:
    """A point of the bright disc's edge."""
    return 60 + 30 * float(np.cos(np.deg2rad(degrees))), 45 + 30 * float(np.sin(np.deg2rad(degrees)))


def test_between_clicks_the_outline_keeps_to_the_edge(
    view: CanvasView, session: Session, qtbot: QtBot
) -> None:
    session.tool = "magnetic"
    for degrees in (0, 90, 180, 270):
        with qtbot.waitSignal(view.tool_ready, timeout=20_000):
            click(view, ring(degrees))
    QTest.keyClick(view, Qt.Key.Key_Return)
    y, x = np.mgrid[0:90, 0:120]
    disc = (x + 0.5 - 60) ** 2 + (y + 0.5 - 45) ** 2 < 30**2
    covered = session.mask_edits == CAT
    assert (disc & covered).sum() / (disc | covered).sum() > 0.93  # four straight sides would give 0.64


def test_backspace_takes_a_click_back_with_the_way_to_it(
    view: CanvasView, session: Session, qtbot: QtBot
) -> None:
    session.tool = "magnetic"
    for degrees in (0, 90, 180):
        with qtbot.waitSignal(view.tool_ready, timeout=20_000):
            click(view, ring(degrees))
    before = list(view.tool.points)
    with qtbot.waitSignal(view.tool_ready, timeout=20_000):
        QTest.keyClick(view, Qt.Key.Key_Backspace)
    assert len(view.tool.points) < len(before) and view.tool.points == before[: len(view.tool.points)]
    assert (view.tool.points[-1] - QPointF(*ring(90))).manhattanLength() < 3
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not view.tool.pending and area(session) == 0


def test_a_wire_reaches_as_far_as_its_window_on_the_copy_that_is_seen() -> None:
    image = np.zeros((1200, 1600, 3), np.uint8)
    image[:, 800:] = 255
    levels = pyramid(image)
    near, far = LiveWire(levels, (800.0, 600.0), 4.0), LiveWire(levels, (800.0, 600.0), 0.5)
    end = (800.0, 600.0 + SIDE)
    assert near.path(end) is None
    path = far.path(end)
    assert path is not None and abs(path[-1][1] - end[1]) <= 8
    assert all(abs(x - 800) <= 8 for x, _ in path)
    beside = LiveWire(levels, (803.0, 600.0), 4.0)  # the click moves to the edge
    assert abs(beside.start[0] - 800) <= 2 and abs(beside.start[1] - 600) <= 1
    assert LiveWire(levels, (-5.0, 3.0), 1.0).path((3.0, 3.0)) is None
