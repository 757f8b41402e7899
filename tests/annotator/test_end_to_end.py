"""A session by real events: paint, watch the mask, undo, accept, export; then train beside the window."""

import time
from pathlib import Path

import numpy as np
import pytest
from desk import stroke, wait_settled
from PIL import Image
from pyqtgraph import PlotWidget
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.dialogs.export import ExportDialog
from annotator.shell.window import Window
from trainer.data.palette import voc_palette
from trainer.data.project import Status
from trainer.worker.messages import LossPoint, Promoted, State, StateChanged, ValidationPoint

pytestmark = pytest.mark.slow

CAT, PERSON = 8, 15
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def cat(window: Window, qtbot: QtBot) -> Window:
    """The window with the photo of the cat, ready to be painted on."""
    window.resize(1300, 850)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    with qtbot.waitSignal(window.session.image_changed, timeout=10000):
        window.session.open_image("chelsea")
    wait_settled(window.session, qtbot)
    return window


def on_screen(window: Window, x: float, y: float) -> QPoint:
    return window.canvas.from_image(QPointF(x, y)).toPoint()


def paint(window: Window, key: Qt.Key, points: list[tuple[float, float]], qtbot: QtBot) -> None:
    """Choose a class by its key and draw along image points with the mouse."""
    qtbot.keyClick(window.canvas, key)
    viewport = window.canvas.viewport()
    first, *rest = (on_screen(window, x, y) for x, y in points)
    QTest.mouseMove(viewport, first)
    QTest.mousePress(viewport, LEFT, Qt.KeyboardModifier.NoModifier, first)
    for point in rest:
        QTest.mouseMove(viewport, point)
    QTest.mouseRelease(viewport, LEFT, Qt.KeyboardModifier.NoModifier, rest[-1])


def test_paint_undo_accept_export(cat: Window, tmp_path: Path, qtbot: QtBot) -> None:
    session = cat.session
    session.brush_radius = 5.0
    proposed = session.mask.copy()

    paint(cat, Qt.Key.Key_1, [(30, 30), (45, 40), (60, 50)], qtbot)
    assert session.corrections[40, 45] == CAT
    wait_settled(session, qtbot)
    qtbot.waitUntil(lambda: cat.status.saved.text() == "Saved", timeout=10000)
    with_cat = session.mask.copy()
    assert with_cat[30, 30] == with_cat[40, 45] == with_cat[50, 60] == CAT

    paint(cat, Qt.Key.Key_0, [(100, 80), (120, 82), (140, 84)], qtbot)
    wait_settled(session, qtbot)
    with_both = session.mask.copy()
    assert with_both[80, 100] == with_both[82, 120] == 0 and with_both[40, 45] == CAT
    assert (with_both != with_cat).any()

    for expected in (with_cat, proposed):
        qtbot.keyClick(cat.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        wait_settled(session, qtbot)
        np.testing.assert_array_equal(session.mask, expected)
    for expected in (with_cat, with_both):
        qtbot.keyClick(
            cat.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        )
        wait_settled(session, qtbot)
        np.testing.assert_array_equal(session.mask, expected)

    with qtbot.waitSignal(session.image_changed, timeout=10000):
        qtbot.keyClick(cat.canvas, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.records["chelsea"].status is Status.ACCEPTED, timeout=10000)
    wait_settled(session, qtbot)

    out = tmp_path / "voc"
    cat.actions_table["export"].trigger()
    dialog = cat.findChild(ExportDialog)
    dialog.folder.setText(str(out))
    with qtbot.waitSignal(dialog.finished_export, timeout=20000):
        qtbot.mouseClick(dialog.start, LEFT)
    dialog.reject()
    check_export(out, with_both)


def check_export(out: Path, mask: np.ndarray) -> None:
    """Read the tree with Pillow alone."""
    with Image.open(out / "SegmentationClass" / "chelsea.png") as exported:
        assert exported.mode == "P"
        np.testing.assert_array_equal(np.array(exported), mask)
        palette = np.array(exported.getpalette(), np.uint8).reshape(-1, 3)
        np.testing.assert_array_equal(palette, voc_palette()[: len(palette)])
        assert tuple(palette[CAT]) == (64, 0, 0)
        size = exported.size
    with Image.open(out / "JPEGImages" / "chelsea.jpg") as photo:
        assert photo.size == size
    assert (out / "ImageSets/Segmentation/trainval.txt").read_text().split() == ["chelsea"]
    splits = [(out / f"ImageSets/Segmentation/{name}.txt").read_text().split() for name in ("train", "val")]
    assert sorted(splits[0] + splits[1]) == ["chelsea"]
    assert (out / "labelmap.txt").read_text()


def correct_four_images(window: Window, qtbot: QtBot) -> None:
    """Strokes on as many photos as the trainer needs."""
    session = window.session
    for image_id, label in (("chelsea", CAT), ("astronaut", PERSON), ("camera", PERSON), ("rocket", CAT)):
        if session.image_id != image_id:
            with qtbot.waitSignal(session.image_changed, timeout=10000):
                session.open_image(image_id)
        wait_settled(session, qtbot)
        stroke(session, label, (30, 40, 80, 80))
        stroke(session, 0, (0, 0, 14, 90))
        wait_settled(session, qtbot)


def test_the_window_lives_while_the_trainer_trains(cat: Window, qtbot: QtBot) -> None:
    heard: list[object] = []
    ticks: list[float] = []
    cat.session.trainer_message.connect(heard.append)
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    correct_four_images(cat, qtbot)
    timer.start()
    qtbot.waitUntil(
        lambda: any(isinstance(m, StateChanged) and m.state is State.TRAINING for m in heard), timeout=20000
    )
    qtbot.waitUntil(lambda: any(isinstance(m, ValidationPoint) for m in heard), timeout=120000)
    timer.stop()
    assert any(isinstance(m, LossPoint) for m in heard)
    assert cat.trainer.state_name.text()
    _, validation, _ = cat.trainer.findChildren(PlotWidget)
    qtbot.waitUntil(lambda: bool(validation.listDataItems()))
    # The event loop ticked on all the while, not only before and after.
    assert len(ticks) > 20
    for promoted in (m for m in heard if isinstance(m, Promoted)):
        judged = [m for m in heard if isinstance(m, ValidationPoint) and m.challenger == promoted.score]
        assert judged and judged[-1].challenger > judged[-1].incumbent


def test_closing_during_training_ends_in_time_and_loses_nothing(cat: Window, qtbot: QtBot) -> None:
    heard: list[object] = []
    cat.session.trainer_message.connect(heard.append)
    correct_four_images(cat, qtbot)
    qtbot.waitUntil(lambda: any(isinstance(m, LossPoint) for m in heard), timeout=30000)
    worker = cat.session.worker
    cat.close()
    assert worker.stop(0.0), "the trainer thread had not ended within its two seconds"
