"""Looking at an image: zoom, pan, peek, sharpness, and the cost of a repaint."""

from pathlib import Path

import numpy as np
import pytest
from canvas_desk import (
    CAT,
    MIDDLE,
    MadeUpProposal,
    deliver,
    move,
    open_canvas,
    open_session,
    paint,
    press,
    propose,
    release,
    wheel,
)
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.canvas.inspect import InspectView
from annotator.canvas.navigation import ZOOM_STEP
from annotator.canvas.view import CanvasView
from annotator.class_colours import class_colour
from annotator.session import Session
from trainer.data.project import Target


def pixels(picture: QImage) -> np.ndarray:
    """A QImage as uint8 H×W×3 RGB."""
    picture = picture.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return data[:, : 3 * picture.width()].reshape(picture.height(), picture.width(), 3).copy()


def seen(view: CanvasView) -> np.ndarray:
    QApplication.processEvents()
    return pixels(view.viewport().grab().toImage())


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 255, (90, 120, 3), np.uint8)


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, photo: np.ndarray) -> Session:
    return open_session(qtbot, tmp_path, photo)


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> CanvasView:
    return open_canvas(qtbot, session)


def test_a_new_image_is_fitted_and_stays_fitted_when_the_window_grows(view: CanvasView) -> None:
    def margins() -> tuple[float, float]:
        corner, opposite = view.from_image(QPointF(0, 0)), view.from_image(QPointF(120, 90))
        assert corner.x() >= 0 and corner.y() >= 0
        return corner.x() + opposite.x(), corner.y() + opposite.y()

    assert margins() == pytest.approx((640, 480), abs=2)
    view.resize(900, 500)
    QApplication.processEvents()
    assert margins() == pytest.approx((900, 500), abs=2)


def test_the_wheel_zooms_at_the_mouse_and_back(view: CanvasView) -> None:
    mouse = QPoint(200, 130)
    move(view, mouse)
    before, scale = view.to_image(QPointF(mouse)), view.scale_factor
    for _ in range(6):
        wheel(view, mouse, 1)
        shift = (view.to_image(QPointF(mouse)) - before) * view.scale_factor
        assert abs(shift.x()) <= 0.5 and abs(shift.y()) <= 0.5
    for _ in range(6):
        wheel(view, mouse, -1)
    assert view.scale_factor == pytest.approx(scale)


def test_zoom_has_limits(view: CanvasView) -> None:
    for _ in range(60):
        view.zoom(ZOOM_STEP)
    assert view.zoom_factor == pytest.approx(64)
    for _ in range(90):
        view.zoom(1 / ZOOM_STEP)
    assert view.zoom_factor >= 0.5


def test_the_middle_button_pans(view: CanvasView) -> None:
    point = view.to_image(QPointF(300, 200))
    press(view, QPoint(300, 200), MIDDLE)
    move(view, QPoint(340, 230))
    release(view, QPoint(340, 230), MIDDLE)
    assert (view.from_image(point) - QPointF(340, 230)).manhattanLength() <= 1


def test_space_and_a_drag_pan_without_painting(view: CanvasView, session: Session) -> None:
    point = view.to_image(QPointF(300, 200))
    QTest.keyPress(view, Qt.Key.Key_Space)
    paint(view, QPoint(300, 200), QPoint(350, 260))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert (view.from_image(point) - QPointF(350, 260)).manhattanLength() <= 1
    assert (session.corrections == 255).all()


def test_space_that_is_let_go_elsewhere_no_longer_pans(view: CanvasView, session: Session) -> None:
    QTest.keyPress(view, Qt.Key.Key_Space)
    QApplication.sendEvent(view, QFocusEvent(QFocusEvent.Type.FocusOut))
    paint(view, QPoint(300, 200), QPoint(350, 260))
    assert (session.corrections != 255).any()


def test_enlarged_pixels_are_crisp(view: CanvasView, photo: np.ndarray) -> None:
    view.zoom(8 / view.zoom_factor)
    shot = seen(view)
    for i, j in ((40, 60), (45, 55), (50, 70)):
        corner = view.from_image(QPointF(j, i)) * view.devicePixelRatioF()
        x, y = round(corner.x()), round(corner.y())
        square = shot[y + 1 : y + 7, x + 1 : x + 7]
        assert (square == photo[i, j]).all()


def test_a_reduced_photo_is_averaged_not_picked(
    qtbot: QtBot, tmp_path: Path, rng: np.random.Generator
) -> None:
    noise = rng.integers(0, 2, (1600, 2000, 1), np.uint8).repeat(3, 2) * 255
    view = open_canvas(qtbot, open_session(qtbot, tmp_path, noise))
    view.session.tool = "fill"

    def smooth() -> None:
        shot = seen(view)[100:300, 150:450]
        assert shot.std() < 70  # single picked pixels would give 127

    qtbot.waitUntil(smooth, timeout=10_000)


def test_peek_shows_the_bare_photo_and_brings_everything_back(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    for name in ("seeds", "mask"):
        view.set_layer_visible(name, False)
    bare = seen(view)
    for name in ("seeds", "mask", "cam"):
        view.set_layer_visible(name, True)
    propose(qtbot, session)
    move(view, QPoint(300, 200))
    covered = seen(view)
    assert (covered != bare).any()
    view.peek(True)
    assert (seen(view) == bare).all()
    view.peek(False)
    assert (seen(view) == covered).all()


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_a_layer_lies_on_its_image_pixels_at_any_device_pixel_ratio(
    qtbot: QtBot, view: CanvasView, session: Session, ratio: float
) -> None:
    propose(qtbot, session)
    assert session.mask is not None
    for name in ("image", "strokes"):
        view.set_layer_visible(name, False)
    view.set_layer_opacity("mask", 1.0)
    picture = QImage(round(600 * ratio), round(450 * ratio), QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.black)

    painter = QPainter(picture)
    view.scene().render(painter, QRectF(0, 0, 600, 450), QRectF(0, 0, 120, 90))
    painter.end()
    shot = pixels(picture)
    size = 5 * ratio
    for i, j in ((44, 30), (80, 100), (20, 90), (80, 70)):
        colour = shot[round((i + 0.5) * size), round((j + 0.5) * size)]
        if session.mask[i, j]:
            assert tuple(colour) == class_colour(int(session.mask[i, j]))
        else:
            assert not colour.any()


def test_a_stroke_on_24_megapixels_repaints_its_own_rectangle_and_copies_no_layer(
    qtbot: QtBot, tmp_path: Path
) -> None:
    session = open_session(qtbot, tmp_path, np.zeros((4000, 6000, 3), np.uint8))
    view = open_canvas(qtbot, session, (1200, 800))
    shape = (4000, 6000)
    background = np.zeros(shape, np.uint8)
    deliver(qtbot, session, MadeUpProposal((CAT,), np.zeros((1, *shape), np.float32), background, background))
    view.set_layer_visible("seeds", True)
    session.brush_radius, session.target = 60, Target.MASK  # a seed stroke may change the mask anywhere
    move(view, QPoint(400, 300))
    QApplication.processEvents()
    items = [view.items_by_name[name] for name in ("mask", "seeds", "strokes")] + [view.painting.item]
    before = [item.recomposed for item in items]
    press(view, QPoint(400, 300))
    for x in range(404, 424, 4):
        move(view, QPoint(x, 300))
        QApplication.processEvents()
    spent = [item.recomposed - start for item, start in zip(items, before, strict=True)]
    brush = (2 * 60 * view.zoom_factor + 40) ** 2
    assert 0 < max(spent) < 6 * 1.5 * brush  # six repaints of about the brush; the view has 960,000 pixels
    release(view, QPoint(420, 300))
    assert session.mask_edits is not None
    assert (session.mask_edits == CAT).sum() == pytest.approx(
        np.pi * 60**2 + 120 * 20 / view.zoom_factor, rel=0.02
    )


def test_ring_and_coordinates_belong_to_the_photo_that_is_open(
    qtbot: QtBot, view: CanvasView, session: Session, tmp_path: Path
) -> None:
    told: list[QPointF | None] = []
    view.hovered.connect(told.append)
    corner = QPoint(3, 3)  # beside the photo, where the ring is drawn as well
    move(view, corner)
    Image.new("RGB", (300, 40)).save(tmp_path / "wide.png")
    session.photos.look()
    qtbot.waitUntil(lambda: "wide" in session.records, timeout=20_000)
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        session.open_image("wide")
    assert told[-1] == view.to_image(QPointF(corner))
    alone = seen(view)
    view.viewport().update()
    np.testing.assert_array_equal(seen(view), alone)


def test_a_ring_that_left_with_a_stroke_does_not_stay(view: CanvasView) -> None:
    inside, outside = QPoint(300, 240), QPoint(900, 240)
    press(view, inside)
    move(view, outside)
    QApplication.sendEvent(view.viewport(), QEvent(QEvent.Type.Leave))
    release(view, outside)
    assert view.cursor_at is None


def test_the_brush_is_as_large_a_part_of_every_photo(
    qtbot: QtBot, view: CanvasView, session: Session, tmp_path: Path
) -> None:
    session.brush_radius = 12
    Image.new("RGB", (1200, 900)).save(tmp_path / "large.png")
    session.photos.look()
    qtbot.waitUntil(lambda: "large" in session.records, timeout=20_000)
    with qtbot.waitSignal(session.paint_changed, timeout=20_000):
        session.open_image("large")
    assert session.brush_radius == pytest.approx(120)


def test_the_smaller_copies_of_a_photo_are_made_once_for_all_views(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[np.ndarray] = []
    monkeypatch.setattr("annotator.session.document.pyramid", lambda image: made.append(image) or [image])
    canvas, inspect = CanvasView(session), InspectView(session)
    Image.new("RGB", (1200, 900)).save(tmp_path / "large.png")
    session.photos.look()
    qtbot.waitUntil(lambda: "large" in session.records, timeout=20_000)
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        session.open_image("large")
    assert [image.shape for image in made].count((900, 1200, 3)) == 1  # its neighbour is loaded ahead
    for view in (canvas, inspect):
        view.deleteLater()
    session.close()
