"""A tablet's pen: pressure sets the size, its other end erases."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from canvas_desk import CAT, at, open_canvas, open_session
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QPointingDevice, QPointingDeviceUniqueId, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.canvas.view import CanvasView
from annotator.session import Session

Kind = QPointingDevice.PointerType
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, rng: np.random.Generator) -> Session:
    session = open_session(qtbot, tmp_path, rng.integers(0, 255, (90, 120, 3), np.uint8))
    session.brush_radius = 10
    return session


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> CanvasView:
    return open_canvas(qtbot, session)


@cache
def pen(end: Kind) -> QPointingDevice:
    """One end of a pen; Qt keeps a reference to it."""
    ability = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    kind = QInputDevice.DeviceType.Stylus
    return QPointingDevice("pen", 1, kind, end, ability, 1, 3, "", QPointingDeviceUniqueId())


def tell(view: CanvasView, event: QEvent.Type, to: QPoint, pressure: float, end: Kind, held) -> None:
    """What Qt tells of a pen before it becomes a mouse."""
    place = QPointF(to)
    button = NONE if event == QEvent.Type.TabletMove else LEFT
    told = QTabletEvent(
        event,
        pen(end),
        place,
        view.viewport().mapToGlobal(place),
        pressure,
        0.0,
        0.0,
        0.0,
        0.0,
        0.0,
        Qt.KeyboardModifier.NoModifier,
        button,
        held,
    )
    QApplication.sendEvent(view.viewport(), told)
    assert not told.isAccepted()  # or it would become no mouse


def dab(view: CanvasView, to: QPoint, pressure: float, end: Kind = Kind.Pen) -> None:
    """Touch once with the pen."""
    tell(view, QEvent.Type.TabletPress, to, pressure, end, LEFT)
    QTest.mousePress(view.viewport(), LEFT, pos=to)
    tell(view, QEvent.Type.TabletRelease, to, 0.0, end, NONE)
    QTest.mouseRelease(view.viewport(), LEFT, pos=to)


def area(session: Session) -> int:
    return int((session.corrections == CAT).sum())


def test_a_light_touch_paints_thinly_and_a_mouse_as_ever(view: CanvasView, session: Session) -> None:
    dab(view, at(view, 30, 30), 1.0)
    full = area(session)
    assert full == pytest.approx(np.pi * 100, rel=0.1)
    dab(view, at(view, 80, 30), 0.0)
    assert area(session) - full == pytest.approx(np.pi * 4, rel=0.4)
    before = area(session)
    QTest.mouseClick(view.viewport(), LEFT, pos=at(view, 80, 70))
    assert area(session) - before == pytest.approx(full, rel=0.05)


def test_pressure_is_left_aside_where_somebody_wants_that(view: CanvasView, session: Session) -> None:
    session.pen_pressure = False
    dab(view, at(view, 30, 30), 0.0)
    assert area(session) == pytest.approx(np.pi * 100, rel=0.1)


def test_the_other_end_erases(view: CanvasView, session: Session) -> None:
    dab(view, at(view, 30, 30), 1.0)
    tell(view, QEvent.Type.TabletMove, at(view, 30, 30), 0.0, Kind.Eraser, NONE)  # it comes near
    QTest.mouseClick(view.viewport(), LEFT, pos=at(view, 80, 70))  # the mouse paints
    before = area(session)
    dab(view, at(view, 30, 30), 1.0, Kind.Eraser)
    assert area(session) == pytest.approx(before / 2, rel=0.05)
