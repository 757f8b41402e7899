"""How the photo is looked at: brighter, pixel by pixel, object by object; nothing of it is in the mask."""

from pathlib import Path

import numpy as np
import pytest
from canvas_desk import CAT, at, move, open_canvas, open_session, propose, show
from desk import press
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.canvas.compare import CompareView
from annotator.canvas.look import Tone
from annotator.canvas.view import CanvasView
from annotator.canvas.zoom_to_object import objects
from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.window import Window
from trainer.data.project import Target

K = Qt.Key


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, rng: np.random.Generator) -> Session:
    return open_session(qtbot, tmp_path, rng.integers(40, 200, (60, 80, 3), np.uint8))


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> CanvasView:
    qtbot.waitUntil(lambda: not session.busy)  # no badge comes or goes
    return open_canvas(qtbot, session, (400, 300))


def colour_at(view: CanvasView, x: float, y: float) -> tuple[int, int, int]:
    """What the screen shows over an image point."""
    picture = view.viewport().grab().toImage()
    ratio = picture.devicePixelRatio()
    place = at(view, x, y)
    shown = picture.pixelColor(round(place.x() * ratio), round(place.y() * ratio))
    return shown.red(), shown.green(), shown.blue()


def test_a_curve_never_falls_and_is_the_identity_at_first() -> None:
    assert (Tone().curve() == np.arange(256)).all()
    for tone in (Tone(0.5, 1.0, 4.0), Tone(-1.0, -1.0, 0.25), Tone(contrast=1.0)):
        assert (np.diff(tone.curve().astype(int)) >= 0).all()
    assert Tone(brightness=0.2).curve()[100] > 100 > Tone(gamma=0.5).curve()[100]


@pytest.mark.parametrize("scale", [0.4, 6.0])
def test_the_photo_is_shown_through_the_curve_at_any_zoom(
    view: CanvasView, session: Session, scale: float
) -> None:
    view.zoom(scale / view.zoom_factor)
    as_it_is = np.array(colour_at(view, 20.5, 30.5))
    view.look.adjust(brightness=0.3, gamma=1.8)
    curve = Tone(0.3, 0.0, 1.8).curve()
    assert np.abs(np.array(colour_at(view, 20.5, 30.5)).astype(int) - curve[as_it_is]).max() <= 1
    view.look.reset()
    assert (np.array(colour_at(view, 20.5, 30.5)) == as_it_is).all()


def test_a_part_that_is_drawn_again_has_no_seam(view: CanvasView) -> None:
    view.look.adjust(contrast=0.5)
    whole = view.viewport().grab().toImage()
    view.viewport().update(57, 41, 33, 29)
    QApplication.processEvents()
    assert view.viewport().grab().toImage() == whole


def test_lines_part_the_pixels_where_they_are_large(view: CanvasView, qtbot: QtBot) -> None:
    def picture() -> object:
        QApplication.processEvents()
        return view.viewport().grab().toImage()

    for zoom, differs in ((4.0, False), (20.0, True)):
        view.zoom(zoom / view.zoom_factor)
        with_lines = picture()
        view.look.show_grid(False)
        assert (picture() != with_lines) == differs
        view.look.show_grid(True)
        assert picture() == with_lines


def test_objects_are_connected_areas_of_a_class_the_largest_first() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[2:8, 2:8] = CAT
    mask[20:40, 30:60] = CAT
    mask[20:26, 2:6] = 3
    mask[0, 59] = 3  # a speck
    mask[10:15] = 255
    boxes, under = objects(mask, QPointF(4.5, 4.5))
    assert boxes == [(20, 30, 40, 60), (2, 2, 8, 8), (20, 2, 26, 6)] and under == (2, 2, 8, 8)
    assert objects(mask, QPointF(-3, 4))[1] is None and objects(np.zeros((5, 5), np.uint8)) == ([], None)


def test_a_key_zooms_to_the_object_under_the_mouse_and_then_to_the_others(
    active: Window, qtbot: QtBot
) -> None:
    session, canvas = active.session, active.canvas
    session.target = Target.MASK
    height, width = session.mask.shape
    blank = np.zeros((height, width), np.uint8)
    blank[5:25, 10:30] = CAT
    blank[60:70, 60:100] = CAT
    session.strokes.commit((0, 0, height, width), blank, "brush")
    session.save()

    def shown(box: tuple[int, int, int, int]) -> bool:
        port = canvas.viewport().rect()
        corners = canvas.to_image(QPointF(0, 0)), canvas.to_image(QPointF(port.width(), port.height()))
        middle = (corners[0] + corners[1]) / 2
        y0, x0, y1, x1 = box
        fits = corners[0].x() < x0 and corners[0].y() < y0 and corners[1].x() > x1 and corners[1].y() > y1
        return fits and (middle - QPointF((x0 + x1) / 2, (y0 + y1) / 2)).manhattanLength() < 2

    move(canvas, at(canvas, 20, 15))
    press(active, K.Key_Z, qtbot)
    qtbot.waitUntil(lambda: shown((5, 10, 25, 30)))
    press(active, K.Key_Z, qtbot)
    qtbot.waitUntil(lambda: shown((60, 60, 70, 100)))
    press(active, K.Key_Z, qtbot)
    qtbot.waitUntil(lambda: shown((5, 10, 25, 30)))


def test_where_there_is_no_object_a_word_says_so(active: Window, qtbot: QtBot) -> None:
    session = active.session
    session.target = Target.MASK
    session.strokes.commit((0, 0, *session.mask.shape), np.zeros(session.mask.shape, np.uint8), "brush")
    with qtbot.waitSignal(session.message) as told:
        press(active, K.Key_Z, qtbot)
    assert told.args[1] == "There is no object in this mask yet."
    session.save()


def test_the_sliders_change_every_canvas_and_the_mask_not_at_all(active: Window, qtbot: QtBot) -> None:
    mask = active.session.mask.copy()
    qtbot.keyClick(active.canvas, K.Key_B, Qt.KeyboardModifier.ShiftModifier)
    popup = active.layers.popup
    assert popup is not None and popup.isVisible()
    for name in ("brightness", "gamma"):
        slider = popup.sliders[name]
        slider.setFocus()
        for _ in range(3):
            qtbot.keyClick(slider, K.Key_PageUp)
    assert active.look.tone.brightness == pytest.approx(0.3) and active.look.tone.gamma > 1.4
    assert active.status.adjusted.isVisible()
    for view in (active.canvas, *active.centre.inspect_view.views):
        assert view.look is active.look
    qtbot.mouseClick(popup.reset, Qt.MouseButton.LeftButton)
    assert not active.look.adjusted and not active.status.adjusted.isVisible()
    assert popup.sliders["brightness"].value() == 0
    qtbot.keyClick(popup, K.Key_Escape)
    assert not popup.isVisible()
    active.look.adjust(contrast=-0.5)
    qtbot.keyClick(
        active.canvas, K.Key_B, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert not active.look.adjusted
    assert (active.session.mask == mask).all()


def test_whether_there_are_lines_is_remembered(active: Window, qtbot: QtBot) -> None:
    assert active.actions_table["pixel_grid"].isChecked()
    qtbot.keyClick(active.canvas, K.Key_G, Qt.KeyboardModifier.ControlModifier)
    assert not active.canvas.look.grid
    active.close()
    assert not DeskSettings().pixel_grid


def test_the_status_bar_tells_the_colour_of_the_photo_as_it_is(active: Window, qtbot: QtBot) -> None:
    canvas = active.canvas
    active.look.adjust(brightness=1.0)
    move(canvas, at(canvas, 30.5, 20.5))
    red, green, blue = active.session.image[20, 30].tolist()
    assert active.status.colour.isVisible() and active.status.colour.text() == f"RGB {red} {green} {blue}"
    move(canvas, QPoint(2, 2))
    assert not active.status.colour.isVisible()


def test_three_masks_side_by_side_and_where_they_differ(qtbot: QtBot, session: Session) -> None:
    compare = CompareView(session)
    qtbot.addWidget(compare, before_close_func=lambda _: session.close())
    compare.resize(900, 400)
    show(qtbot, compare)
    proposal = propose(qtbot, session)
    automatic, accepted = (compare.panes[name].view for name in ("automatic", "accepted"))
    assert (session.automatic == proposal.mask).all() and session.accepted_mask is None
    before = automatic.viewport().grab().toImage()
    session.target = Target.MASK
    session.strokes.commit((30, 10, 50, 30), np.zeros((20, 20), np.uint8), "brush")
    QApplication.processEvents()
    striped = automatic.viewport().grab().toImage()
    assert striped != before
    without = accepted.viewport().grab().toImage()
    with qtbot.waitSignal(session.acceptance.done):
        session.acceptance.accept()
    QApplication.processEvents()
    assert (session.accepted_mask == session.mask).all()
    assert accepted.viewport().grab().toImage() != without
    frozen = session.accepted_mask.copy()
    session.strokes.commit((0, 50, 9, 70), np.full((9, 20), CAT, np.uint8), "brush")  # opens it again
    assert not session.document.accepted and (session.accepted_mask == frozen).all()
    assert (session.mask != frozen).any()
    session.save()


def test_the_accepted_mask_of_an_image_opened_again_is_there_after_a_restart(
    qtbot: QtBot, session: Session
) -> None:
    propose(qtbot, session)
    with qtbot.waitSignal(session.acceptance.done):
        session.acceptance.accept()
    frozen = session.mask.copy()
    session.target = Target.MASK
    session.strokes.commit((0, 50, 9, 70), np.full((9, 20), CAT, np.uint8), "brush")
    assert session.save()
    with qtbot.waitSignal(session.image_changed):
        session.open_image(session.image_id)
    assert (session.accepted_mask == frozen).all()
    session.acceptance.reopen()
    session.close()


def test_one_arrangement_of_panes_at_a_time(active: Window, qtbot: QtBot) -> None:
    actions = active.actions_table
    press(active, K.Key_W, qtbot)
    qtbot.keyClick(active, K.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert active.centre.currentWidget() is active.centre.compare_view
    assert actions["compare"].isChecked() and not actions["inspect"].isChecked()
    assert not active.layers.isEnabled()
    press(active, K.Key_W, qtbot, active)
    assert active.centre.currentWidget() is active.centre.inspect_view and not actions["compare"].isChecked()
    press(active, K.Key_W, qtbot, active)
    assert active.centre.currentWidget() is active.canvas and active.layers.isEnabled()
