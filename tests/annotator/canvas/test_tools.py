"""Painting with real mouse and key events."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from canvas_desk import (
    CAT,
    DOG,
    LEFT,
    MIDDLE,
    RIGHT,
    at,
    disc_by_loop,
    move,
    open_canvas,
    open_session,
    paint,
    press,
    propose,
    release,
    wheel,
)
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from skimage.measure import label

from annotator.canvas.view import CanvasView
from annotator.session import Session
from trainer.data.classes import EDIT_VOID, UNTOUCHED
from trainer.data.project import Target

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, rng: np.random.Generator) -> Session:
    image = rng.integers(0, 60, (90, 120, 3), np.uint8)
    image[20:50, 30:80] += 150
    session = open_session(qtbot, tmp_path, image)
    session.brush_radius = 5
    return session


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> CanvasView:
    return open_canvas(qtbot, session)


def painted(session: Session, value: int = CAT) -> np.ndarray:
    layer = session.corrections if session.target is Target.SEEDS else session.mask_edits
    assert layer is not None
    return layer == value


@pytest.mark.parametrize("zoom", [0.4, 1.0, 3.7, 20.0])
@pytest.mark.parametrize("radius", [0.5, 2.0, 7.3])
def test_a_click_paints_exactly_the_pixels_under_the_ring(
    view: CanvasView, session: Session, zoom: float, radius: float
) -> None:
    session.brush_radius = radius
    view.zoom(zoom / view.zoom_factor)
    mouse = at(view, 61.3, 44.8)
    centre = view.to_image(QPointF(mouse))
    paint(view, mouse)
    expected = disc_by_loop((90, 120), centre, radius)
    expected[int(centre.y()), int(centre.x())] = True
    assert (painted(session) == expected).all()


@pytest.mark.parametrize("zoom", [1.0, 3.0, 12.0])
def test_the_ring_on_the_screen_has_the_brushs_size(view: CanvasView, session: Session, zoom: float) -> None:
    view.set_layer_visible("image", False)
    view.zoom(zoom / view.zoom_factor)
    session.brush_radius = 9
    QApplication.processEvents()
    bare = view.viewport().grab().toImage()
    mouse = at(view, 60, 45)
    move(view, mouse)
    QApplication.processEvents()
    shot, ratio = view.viewport().grab().toImage(), view.devicePixelRatioF()
    row = round(mouse.y() * ratio)
    changed = [x for x in range(shot.width()) if shot.pixel(x, row) != bare.pixel(x, row)]
    left, right = changed[0] / ratio, changed[-1] / ratio
    assert (right - left) / 2 == pytest.approx(9 * view.scale_factor, abs=0.5 * view.scale_factor + 2.5)


@pytest.mark.slow
@pytest.mark.skipif("CANVAS_AT_RATIO" in os.environ, reason="this is the inner run")
@pytest.mark.parametrize("ratio", ["1.5", "2"])
def test_painting_is_as_exact_on_screens_of_higher_density(ratio: str) -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": ratio, "CANVAS_AT_RATIO": ratio}
    tests = "(exactly and 7.3-3.7) or (exactly and 0.5-20.0) or (brushs_size and 3.0) or no_gap or inner_run"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", tests, __file__]
    root = Path(__file__).parents[3]
    run = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:]


@pytest.mark.skipif("CANVAS_AT_RATIO" not in os.environ, reason="only within the run of higher density")
def test_the_inner_run_has_the_density_it_was_given(view: CanvasView) -> None:
    assert view.devicePixelRatioF() == float(os.environ["CANVAS_AT_RATIO"])


def test_a_fast_stroke_has_no_gap_and_its_journal_box_is_tight(view: CanvasView, session: Session) -> None:
    assert session.project is not None
    paint(view, at(view, 10, 10), at(view, 100, 70), at(view, 20, 80))
    rows, columns = np.nonzero(painted(session))
    assert label(painted(session), connectivity=1).max() == 1
    assert session.save()
    edit = session.project.undo(session.image_id)
    assert edit is not None
    assert edit.box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    assert edit.tool == "brush"


def test_undo_takes_the_whole_stroke_back(qtbot: QtBot, view: CanvasView, session: Session) -> None:
    propose(qtbot, session)
    assert session.seeds is not None and session.mask is not None
    before = session.seeds.copy(), session.mask.copy()
    paint(view, at(view, 90, 20), at(view, 100, 30))
    qtbot.waitUntil(lambda: session.mask[20, 90] == CAT)
    session.strokes.undo()
    session.save()
    qtbot.waitUntil(lambda: (session.mask == before[1]).all())
    assert (session.corrections == UNTOUCHED).all() and (session.seeds == before[0]).all()


@pytest.mark.parametrize("how", ["right button", "alt", "tool"])
def test_erasing_gives_pixels_back_untouched(view: CanvasView, session: Session, how: str) -> None:
    paint(view, at(view, 40, 40), at(view, 80, 40))
    if how == "tool":
        session.tool = "eraser"
    mouse = at(view, 60, 40)
    middle = view.to_image(QPointF(mouse))
    before = painted(session).copy()
    paint(
        view,
        mouse,
        button=RIGHT if how == "right button" else LEFT,
        modifiers=ALT if how == "alt" else Qt.KeyboardModifier.NoModifier,
    )
    assert (painted(session) == before & ~disc_by_loop((90, 120), middle, 5)).all()


def test_shift_draws_a_straight_line_from_the_last_strokes_end(view: CanvasView, session: Session) -> None:
    paint(view, at(view, 10, 10), at(view, 20, 20))
    paint(view, at(view, 90, 20), modifiers=SHIFT)
    assert painted(session)[20, 15:95].all()


def test_zoom_and_pan_in_the_middle_of_a_stroke_do_not_break_it(view: CanvasView, session: Session) -> None:
    session.brush_radius = 2
    start = at(view, 30, 40)
    press(view, start)
    move(view, at(view, 50, 40))
    mouse = at(view, 50, 40)
    wheel(view, mouse, 3)
    press(view, mouse, MIDDLE)
    move(view, mouse + QPoint(-60, 30))
    release(view, mouse + QPoint(-60, 30), MIDDLE)
    QTest.keyPress(view, Qt.Key.Key_Space)
    move(view, mouse + QPoint(-90, 45))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert (session.corrections == UNTOUCHED).all()  # not committed before the button is let go
    move(view, at(view, 70, 40))
    release(view, at(view, 70, 40))
    covered = painted(session)
    assert covered[40, 29:71].all()
    assert not covered[:36].any() and not covered[45:].any()
    session.strokes.undo()
    session.save()
    assert (session.corrections == UNTOUCHED).all()  # one stroke, one step


def test_escape_gives_the_stroke_up(qtbot: QtBot, view: CanvasView, session: Session) -> None:
    propose(qtbot, session)
    press(view, at(view, 90, 20))
    move(view, at(view, 100, 30))
    qtbot.waitUntil(lambda: session.mask[20, 90] == CAT)  # followed while it is drawn
    QTest.keyClick(view, Qt.Key.Key_Escape)
    move(view, at(view, 30, 30))
    release(view, at(view, 30, 30))
    assert (session.corrections == UNTOUCHED).all()
    assert session.save() and not session.project.can_undo(session.image_id)
    qtbot.waitUntil(lambda: session.mask[20, 90] == 0)


def test_other_classes_are_left_alone_when_protected(view: CanvasView, session: Session) -> None:
    paint(view, at(view, 40, 40))
    cat = painted(session).copy()
    session.class_id, session.protect_others = DOG, True
    paint(view, at(view, 20, 40), at(view, 60, 40))
    assert (painted(session) == cat).all()
    assert painted(session, DOG)[40, 25] and painted(session, DOG)[40, 55]


def test_hand_edits_go_to_the_mask_and_leave_the_seeds(view: CanvasView, session: Session) -> None:
    session.target, session.class_id = Target.MASK, EDIT_VOID
    paint(view, at(view, 40, 40))
    assert session.mask_edits[40, 40] == EDIT_VOID and session.mask[40, 40] == 255
    assert (session.corrections == UNTOUCHED).all()


@pytest.mark.parametrize("by_key", [False, True])
def test_only_here_changes_the_mask_near_the_stroke_and_is_one_step_of_undo(
    by_key: bool, view: CanvasView, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a stroke spreads to by itself is told from the mask of the same stroke without the bound."""
    propose(qtbot, session)
    everywhere = np.full(session.mask.shape, CAT, np.uint8)
    monkeypatch.setattr(type(session.document), "refined", lambda *_: everywhere)  # it takes the whole photo
    before = session.mask.copy()
    session.only_here = not by_key
    held = CONTROL | ALT if by_key else Qt.KeyboardModifier.NoModifier
    QTest.mouseClick(view.viewport(), LEFT, held, at(view, 40, 40))
    y, x = np.ogrid[: before.shape[0], : before.shape[1]]
    distance = np.hypot(y - 40, x - 40)
    qtbot.waitUntil(lambda: (session.mask[distance <= 20] == CAT).all())
    far = distance > 30
    assert (session.mask[far] == before[far]).all()
    assert (session.corrections == UNTOUCHED).all(), "no seed may carry it further"
    qtbot.waitUntil(session.save)
    session.strokes.undo()
    qtbot.waitUntil(lambda: (session.mask == before).all())
    session.strokes.redo()
    qtbot.waitUntil(lambda: session.mask[40, 40] == CAT)
    assert session.save()
    stored = session.project.layer(session.image_id, Target.MASK, before.shape)
    np.testing.assert_array_equal(stored, session.mask_edits)


def test_only_here_does_not_bound_the_eraser(view: CanvasView, session: Session) -> None:
    paint(view, at(view, 40, 40))
    session.only_here = True
    press(view, at(view, 40, 40), RIGHT)
    release(view, at(view, 40, 40), RIGHT)
    assert not painted(session).any() and (session.mask_edits == UNTOUCHED).all()


def test_undecided_is_no_class_for_a_seed(view: CanvasView, session: Session) -> None:
    paint(view, at(view, 40, 40))
    session.class_id = EDIT_VOID
    paint(view, at(view, 40, 40))
    assert (session.corrections == UNTOUCHED).all()


def test_a_stroke_never_ends_on_another_layer_than_it_began_on(view: CanvasView, session: Session) -> None:
    session.target, session.class_id = Target.MASK, EDIT_VOID
    press(view, at(view, 40, 40))
    session.target = Target.SEEDS
    move(view, at(view, 60, 40))
    release(view, at(view, 60, 40))
    assert (session.corrections == UNTOUCHED).all()
    assert session.mask_edits[40, 40] == EDIT_VOID and session.mask_edits[40, 60] == UNTOUCHED


def test_ctrl_and_the_wheel_size_the_brush(view: CanvasView, session: Session) -> None:
    scale = view.scale_factor
    wheel(view, QPoint(200, 200), 2, CONTROL)
    assert session.brush_radius > 5.5 and view.scale_factor == scale
    wheel(view, QPoint(200, 200), -200, CONTROL)
    assert session.brush_radius == 0.5


def test_a_polygon_closes_with_enter(view: CanvasView, session: Session) -> None:
    session.tool = "polygon"
    corners = [at(view, x, y) for x, y in ((20, 20), (60, 20), (60, 50), (20, 50))]
    for corner in corners:
        QTest.mouseClick(view.viewport(), LEFT, pos=corner)
    assert (session.corrections == UNTOUCHED).all()
    QTest.keyClick(view, Qt.Key.Key_Return)
    covered = painted(session)
    assert covered[21:49, 21:59].all()
    assert covered.sum() == pytest.approx(40 * 30, rel=0.05)


def test_a_double_click_closes_a_polygon_and_backspace_takes_a_corner_back(
    view: CanvasView, session: Session
) -> None:
    session.tool = "polygon"
    for x, y in ((20, 20), (110, 85), (60, 20)):
        QTest.mouseClick(view.viewport(), LEFT, pos=at(view, x, y))
        if (x, y) == (110, 85):
            QTest.keyClick(view, Qt.Key.Key_Backspace)
    QTest.mouseClick(view.viewport(), LEFT, pos=at(view, 60, 50))
    QTest.mouseDClick(view.viewport(), LEFT, pos=at(view, 60, 50))
    covered = painted(session)
    assert covered[22, 30:55].all() and not covered[60:].any()


def test_escape_gives_a_polygon_up(view: CanvasView, session: Session) -> None:
    session.tool = "polygon"
    for x, y in ((20, 20), (60, 20), (60, 50)):
        QTest.mouseClick(view.viewport(), LEFT, pos=at(view, x, y))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert (session.corrections == UNTOUCHED).all()


def test_fill_gives_a_connected_region_of_the_mask_another_class(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    propose(qtbot, session)
    dog = session.mask == DOG
    session.target, session.tool = Target.MASK, "fill"
    i, j = np.argwhere(dog)[len(np.argwhere(dog)) // 2]
    paint(view, at(view, j + 0.5, i + 0.5))
    qtbot.waitUntil(lambda: (session.mask_edits != UNTOUCHED).any())
    assert (painted(session) == dog).all()


def test_fill_paints_the_class_that_was_chosen_when_it_was_clicked(
    qtbot: QtBot, view: CanvasView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(qtbot, session)
    session.tool = "fill"
    found: list[Callable[[], object]] = []

    def later(work: Callable[[], object], done: Callable[[object], object]) -> None:
        found.append(lambda: done(work()))

    with monkeypatch.context() as held:
        held.setattr(session.jobs, "submit", later)
        paint(view, at(view, 20, 60))
        paint(view, at(view, 70, 20))
    session.class_id = DOG
    found[0]()
    assert painted(session, CAT).any() and not painted(session, DOG).any()
    session.target = Target.MASK
    found[1]()
    assert (session.mask_edits == UNTOUCHED).all()


def test_fill_waits_for_a_stroke_that_is_being_drawn(
    qtbot: QtBot, view: CanvasView, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose(qtbot, session)
    session.target, session.tool = Target.MASK, "fill"
    dog = session.mask == DOG
    i, j = np.argwhere(dog)[len(np.argwhere(dog)) // 2]
    found: list[Callable[[], object]] = []
    with monkeypatch.context() as held:
        held.setattr(session.jobs, "submit", lambda work, done: found.append(lambda: done(work())))
        paint(view, at(view, j + 0.5, i + 0.5))
    session.tool = "brush"
    QTest.mousePress(view.viewport(), LEFT, pos=at(view, 20, 60))
    found[0]()
    assert (session.mask_edits == UNTOUCHED).all()
    QTest.mouseRelease(view.viewport(), LEFT, pos=at(view, 20, 60))
    assert painted(session)[dog].all() and painted(session)[60, 20]
    session.strokes.undo()
    session.save()
    assert painted(session)[60, 20] and not painted(session)[i, j], "two strokes, the fill is the later one"


def test_superpixels_follow_edges_and_a_drag_takes_several(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    session.tool = "superpixel"
    with qtbot.waitSignal(view.tool_ready, timeout=20_000):
        move(view, at(view, 50, 30))
    QTest.mouseClick(view.viewport(), LEFT, pos=at(view, 50, 30))
    first = painted(session).copy()
    assert first[30, 50] and 50 < first.sum() < 2000
    inside = np.zeros((90, 120), bool)
    inside[20:50, 30:80] = True
    assert (first & inside).sum() > 0.85 * first.sum()  # it stops at the bright square's edge
    paint(view, at(view, 50, 30), at(view, 10, 80))
    assert (first <= painted(session)).all() and painted(session).sum() > 2 * first.sum()
    session.strokes.undo()
    session.save()
    assert (painted(session) == first).all()


@pytest.mark.parametrize("with_ctrl", [False, True])
def test_the_class_under_the_mouse_can_be_taken_up(
    qtbot: QtBot, view: CanvasView, session: Session, with_ctrl: bool
) -> None:
    propose(qtbot, session)
    session.target = Target.MASK
    session.class_id = 1
    if not with_ctrl:
        session.tool = "picker"
    modifiers = CONTROL if with_ctrl else Qt.KeyboardModifier.NoModifier
    paint(view, at(view, 115, 80), modifiers=modifiers)
    assert session.class_id == DOG
    paint(view, at(view, 75, 10), modifiers=modifiers)
    assert session.class_id == 0
    assert (session.mask_edits == UNTOUCHED).all()


def test_a_stroke_is_seen_at_once_in_its_class_colour(view: CanvasView, session: Session) -> None:
    def colour() -> QColor:
        QApplication.processEvents()
        return view.viewport().grab().toImage().pixelColor(at(view, 60, 70) * view.devicePixelRatioF())

    before = colour()
    press(view, at(view, 60, 70))
    move(view, at(view, 62, 70))
    during = colour()
    release(view, at(view, 62, 70))
    move(view, at(view, 10, 10))
    assert during != before
    assert colour() == during  # and it looks the same once it is committed


def test_a_stroke_outside_the_image_changes_nothing(view: CanvasView, session: Session) -> None:
    view.zoom(0.3)
    paint(view, QPoint(3, 3), QPoint(20, 10))
    assert (session.corrections == UNTOUCHED).all()
    assert session.save() and not session.project.can_undo(session.image_id)


def test_a_click_before_the_superpixels_are_found_is_not_lost(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    session.tool = "superpixel"
    paint(view, at(view, 50, 30), at(view, 10, 80))
    assert not painted(session).any()
    qtbot.waitUntil(lambda: painted(session).any(), timeout=20_000)
    assert painted(session)[30, 50] and painted(session)[80, 10] and not view.painting.active
