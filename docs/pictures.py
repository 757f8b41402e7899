"""Draw the pictures of README again: the program itself on its sample photos, into this folder.

Usage: ``python docs/pictures.py [--weights FILE|NAME]``. With weights the program first learns the sample's
tags, as a person would let it; without, it shows the first start with the weights that ship.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from PySide6.QtCore import QPointF, QRectF, QSettings, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # works in a bare source tree too

from annotator.app import make_window  # noqa: E402
from annotator.session import Session  # noqa: E402
from annotator.settings import DeskSettings  # noqa: E402
from annotator.shell.window import Window  # noqa: E402
from trainer.data.classes import UNTOUCHED  # noqa: E402
from trainer.data.sample import build_sample  # noqa: E402

SIZE = (1440, 900)
ROCKET = QPointF(325, 230)
"""A pixel of the rocket (x, y), whose class nothing has learnt."""
RADIUS = 5.0
"""Of the click, in pixels of the photo."""
CUP = QPointF(170, 20), QPointF(425, 335)
"""Corners of a box around the cup."""
TOUR_STOP = "seeds"
GAP = 12
"""Pixels between two pictures in one."""
PATIENCE = 600.0
"""Seconds to wait for anything; learning from the tags takes two minutes on one core."""


def main() -> None:
    """Draw ``desk.png``, a proposal, and ``inspect.png``, what led to it.

    Without weights ``first.png``, the first start; ``tour.png``, a stop of the guided tour; ``click.png``,
    before and after one click on an object that no model has learnt; and ``box.png``, a box around an object
    and what it gives.
    """
    parser = argparse.ArgumentParser(description="Draw the pictures of README again.")
    parser.add_argument(
        "--weights", default="", help="backbone to learn the tags with; else the first start is drawn"
    )
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    with TemporaryDirectory() as folder:
        # A desk of its own: neither the person's settings nor their projects are touched.
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        settings = DeskSettings()
        settings.theme = "dark"
        window = make_window(settings)
        window.resize(*SIZE)
        window.show()
        window.open_path(build_sample(Path(folder) / "sample"))
        session = window.session
        wait(app, lambda: bool(session.image_id) and session.worker is not None)
        if not options.weights:
            # The first start: what the weights that ship know without having learnt anything.
            window.actions_table["inspect"].trigger()
            show(app, session, "chelsea")
            window.grab().save(str(HERE / "first.png"))
            window.actions_table["inspect"].trigger()
            _draw_tour(app, window)
            _draw_strokes(app, window)
            window.close()
            return
        ready: list[bool] = []
        session.models.ready.connect(lambda: ready.append(True))
        session.models.choose(options.weights)
        wait(app, lambda: bool(ready))
        learnt: list[object] = []
        session.predictor.tags_learnt.connect(lambda *about: learnt.append(about))
        window.actions_table["learn_tags"].trigger()
        wait(app, lambda: bool(learnt))
        show(app, session, "coffee")
        window.grab().save(str(HERE / "desk.png"))
        window.actions_table["inspect"].trigger()
        show(app, session, "chelsea")
        window.grab().save(str(HERE / "inspect.png"))
        window.close()


def _draw_tour(app: QApplication, window: Window) -> None:
    """Draw one stop of the guided tour."""
    window.actions_table["tour"].trigger()
    while window.tour.stop.place != TOUR_STOP:
        QTest.keyClick(window.tour, Qt.Key.Key_Right)
    wait(app, lambda: True)
    window.grab().save(str(HERE / "tour.png"))
    window.tour.leave()


def _draw_strokes(app: QApplication, window: Window) -> None:
    """Draw what resting mouse, click and box give, by events, as a person would."""
    session, canvas = window.session, window.canvas
    show(app, session, "rocket")
    session.brush_radius = RADIUS
    place = canvas.from_image(ROCKET).toPoint()
    QTest.mouseMove(canvas.viewport(), place)
    wait(app, lambda: canvas.click_preview.path is not None and not canvas.click_preview.resting)
    session.jobs.finish()  # the closer look
    wait(app, lambda: True)
    before = _photo(window)
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=place)
    wait(app, lambda: settled(session, "rocket"))
    _beside(before, _photo(window)).save(str(HERE / "click.png"))
    show(app, session, "coffee")
    window.actions_table["box"].trigger()
    first, last = (canvas.from_image(corner).toPoint() for corner in CUP)
    QTest.mousePress(canvas.viewport(), Qt.MouseButton.LeftButton, pos=first)
    QTest.mouseMove(canvas.viewport(), last)
    wait(app, lambda: True)
    before = _photo(window)
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=last)
    wait(app, lambda: (session.corrections != UNTOUCHED).any() and settled(session, "coffee"))
    _beside(before, _photo(window)).save(str(HERE / "box.png"))


def _photo(window: Window) -> QPixmap:
    """The canvas, as far as the photo goes."""
    canvas, image = window.canvas, window.session.image
    assert image is not None
    height, width = image.shape[:2]
    corners = canvas.from_image(QPointF(0, 0)), canvas.from_image(QPointF(width, height))
    return canvas.viewport().grab(QRectF(*corners).toAlignedRect())


def _beside(left: QPixmap, right: QPixmap) -> QPixmap:
    """Two pictures in one."""
    both = QPixmap(left.width() + GAP + right.width(), left.height())
    both.fill(Qt.GlobalColor.transparent)
    painter = QPainter(both)
    painter.drawPixmap(0, 0, left)
    painter.drawPixmap(left.width() + GAP, 0, right)
    painter.end()
    return both


def show(app: QApplication, session: Session, image_id: str) -> None:
    """Open a photo, and wait for its proposal."""
    session.open_image(image_id)
    wait(app, lambda: settled(session, image_id))


def settled(session: Session, image_id: str) -> bool:
    """Tell whether a photo is open with its full proposal, and nothing is under way."""
    proposal = session.proposal
    return session.image_id == image_id and proposal is not None and not proposal.fast and not session.busy


def wait(app: QApplication, done: Callable[[], bool], moments: int = 20) -> None:
    """Let the desk work until something is done, and for some moments of 20 ms more."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            sys.exit(f"the desk was not ready after {PATIENCE:.0f} s")
        app.processEvents()
        time.sleep(0.01)
    for _ in range(moments):  # let layouts and layers reach the screen
        app.processEvents()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
