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

import numpy as np
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # works in a bare source tree too

from annotator.app import make_window  # noqa: E402
from annotator.session import Session  # noqa: E402
from annotator.settings import DeskSettings  # noqa: E402
from trainer.data.sample import build_sample  # noqa: E402

SIZE = (1440, 900)
CUP, RADIUS = (212, 300), 12
"""A pixel of the cup (row, column), whose class nothing has learnt; radius of the click in pixels."""
PATIENCE = 600.0
"""Seconds to wait for anything; learning from the tags takes two minutes on one core."""


def main() -> None:
    """Draw ``desk.png``, a proposal, and ``inspect.png``, what led to it.

    Without weights ``first.png``, the first start, and ``click.png``, one click on an unknown object.
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
        _wait(app, lambda: bool(session.image_id) and session.worker is not None)
        if not options.weights:
            # The first start: what the weights that ship know without having learnt anything.
            window.actions_table["inspect"].trigger()
            _show(app, session, "chelsea")
            window.grab().save(str(HERE / "first.png"))
            window.actions_table["inspect"].trigger()
            _show(app, session, "coffee")
            _click(session, CUP)
            _wait(app, lambda: _settled(session, "coffee"))
            window.grab().save(str(HERE / "click.png"))
            window.close()
            return
        ready: list[bool] = []
        session.models.ready.connect(lambda: ready.append(True))
        session.models.choose(options.weights)
        _wait(app, lambda: bool(ready))
        learnt: list[object] = []
        session.predictor.tags_learnt.connect(lambda *about: learnt.append(about))
        window.actions_table["learn_tags"].trigger()
        _wait(app, lambda: bool(learnt))
        _show(app, session, "coffee")
        window.grab().save(str(HERE / "desk.png"))
        window.actions_table["inspect"].trigger()
        _show(app, session, "chelsea")
        window.grab().save(str(HERE / "inspect.png"))
        window.close()


def _click(session: Session, at: tuple[int, int]) -> None:
    """Paint one disc at (row, column) with the class that is chosen, as a click of the brush does."""
    assert session.corrections is not None
    row, column = at
    rows, columns = np.ogrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    box = row - RADIUS, column - RADIUS, row + RADIUS + 1, column + RADIUS + 1
    after = session.corrections[box[0] : box[2], box[1] : box[3]].copy()
    after[rows**2 + columns**2 <= RADIUS**2] = session.class_id
    session.strokes.commit(box, after, "brush")


def _show(app: QApplication, session: Session, image_id: str) -> None:
    session.open_image(image_id)
    _wait(app, lambda: _settled(session, image_id))


def _settled(session: Session, image_id: str) -> bool:
    proposal = session.proposal
    return session.image_id == image_id and proposal is not None and not proposal.fast and not session.busy


def _wait(app: QApplication, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            sys.exit(f"the desk was not ready after {PATIENCE:.0f} s")
        app.processEvents()
        time.sleep(0.01)
    for _ in range(20):  # let layouts and layers reach the screen
        app.processEvents()
        time.sleep(0.02)


if __name__ == "__main__":
    main()
