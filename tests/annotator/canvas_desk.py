"""A real session with one photo open and no models: made-up proposals arrive as the trainer's would."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from annotator.canvas.view import CanvasView
from annotator.session import Session
from trainer.data.project import Project
from trainer.errors import WeightsError

CAT, DOG = 8, 12
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
MIDDLE = Qt.MouseButton.MiddleButton
_down = Qt.MouseButton.NoButton  # what is pressed and not let go


class MadeUpProposal:
    """What the engine would return, from arrays; strokes win and touch nothing else."""

    fast, note, margin, source = False, "", 0.5, "walk"

    def __init__(self, classes: tuple[int, ...], cams: NDArray, seeds: NDArray, mask: NDArray) -> None:
        self.classes = classes
        self.cams = cams.astype(np.float32)
        self.seeds, self.mask, self.propagated = seeds, mask, mask
        self.scores = np.zeros((len(classes) + 1, 2, 2), np.float32)

    def refine(self, corrections: NDArray) -> NDArray:
        return np.where(corrections == 255, self.mask, corrections)

    def answers(self, corrections: NDArray, sketch: bool = True) -> Iterator[NDArray]:
        yield self.refine(corrections) if (corrections != 255).any() else self.mask

    def glimpse(self, corrections: NDArray, class_id: int) -> NDArray:
        return self.refine(corrections) == class_id

    def set_aside(self) -> None:
        pass

    def propagate(self, image: NDArray, corrections: NDArray) -> NDArray:
        return np.where(corrections == 255, self.propagated, corrections)

    def reseed(self, alpha_low: float, alpha_high: float, threshold: float) -> NDArray:
        return self.seeds


def no_models(project: Project) -> None:
    raise WeightsError("no models in this test")


def open_session(qtbot: QtBot, folder: Path, image: NDArray[np.uint8], tags: str = "cat dog") -> Session:
    """A session on a new project of one photo."""
    Image.fromarray(image).save(folder / "photo.bmp")
    (folder / "tags.csv").write_text(f"image,tags\nphoto,{tags}\n")
    session = Session(no_models)  # type: ignore[arg-type]
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        session.open_project(folder)
    session.class_id = CAT
    return session


def propose(qtbot: QtBot, session: Session) -> MadeUpProposal:
    """Let a proposal arrive: cat on the left half, dog in the lower right corner, void in the upper left."""
    assert session.image is not None
    h, w = session.image.shape[:2]
    y, x = np.mgrid[0:h, 0:w] / max(h, w)
    peaks = ((0.3, 0.4), (0.8, 0.6))
    cams = np.stack([np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.03) for cx, cy in peaks])
    seeds = np.full((h, w), 255, np.uint8)
    seeds[cams.max(axis=0) < 0.05] = 0
    seeds[cams[0] > 0.6] = CAT
    seeds[cams[1] > 0.6] = DOG
    mask = np.zeros((h, w), np.uint8)
    mask[:, : w // 2] = CAT
    mask[h // 2 :, 3 * w // 4 :] = DOG
    mask[: h // 8, : w // 8] = 255
    proposal = MadeUpProposal((CAT, DOG), cams, seeds, mask)
    deliver(qtbot, session, proposal)
    return proposal


def deliver(qtbot: QtBot, session: Session, proposal: MadeUpProposal) -> None:
    """Let a proposal arrive, and wait for its mask."""
    session.predictor.proposed.emit(session.image_id, proposal)
    qtbot.waitUntil(lambda: (session.mask == proposal.mask).all(), timeout=20_000)


def open_canvas(qtbot: QtBot, session: Session, size: tuple[int, int] = (640, 480)) -> CanvasView:
    """A shown canvas on the session, which is closed with it."""
    view = CanvasView(session)
    qtbot.addWidget(view, before_close_func=lambda _: session.close())
    view.resize(*size)
    show(qtbot, view)
    return view


def show(qtbot: QtBot, widget: QWidget) -> None:
    widget.show()
    qtbot.waitExposed(widget)
    QApplication.processEvents()


def at(view: CanvasView, x: float, y: float) -> QPoint:
    """The viewport pixel over an image point."""
    return view.from_image(QPointF(x, y)).toPoint()


def move(
    view: CanvasView, to: QPoint, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    """Move the mouse within the viewport."""
    port = view.viewport()
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove,
        QPointF(to),
        port.mapToGlobal(QPointF(to)),
        Qt.MouseButton.NoButton,
        _down,
        modifiers,
    )
    QApplication.sendEvent(port, event)


def press(
    view: CanvasView, to: QPoint, button: Qt.MouseButton = LEFT, modifiers=Qt.KeyboardModifier.NoModifier
) -> None:
    global _down
    _down |= button
    QTest.mousePress(view.viewport(), button, modifiers, to)


def release(
    view: CanvasView, to: QPoint, button: Qt.MouseButton = LEFT, modifiers=Qt.KeyboardModifier.NoModifier
) -> None:
    global _down
    _down &= ~button
    QTest.mouseRelease(view.viewport(), button, modifiers, to)


def paint(
    view: CanvasView, *points: QPoint, button: Qt.MouseButton = LEFT, modifiers=Qt.KeyboardModifier.NoModifier
) -> None:
    """Press at the first point, drag through the others, let go at the last."""
    press(view, points[0], button, modifiers)
    for point in points[1:]:
        move(view, point, modifiers)
    release(view, points[-1], button, modifiers)


def wheel(view: CanvasView, to: QPoint, notches: int, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    """Turn the mouse wheel over a point."""
    port = view.viewport()
    event = QWheelEvent(
        QPointF(to),
        port.mapToGlobal(QPointF(to)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(port, event)


def disc_by_loop(shape: tuple[int, int], centre: QPointF, radius: float) -> NDArray[np.bool_]:
    """The pixels whose centre is at most `radius` from `centre`, one at a time."""
    inside = np.zeros(shape, bool)
    for i in range(shape[0]):
        for j in range(shape[1]):
            inside[i, j] = (j + 0.5 - centre.x()) ** 2 + (i + 0.5 - centre.y()) ** 2 <= radius**2
    return inside
