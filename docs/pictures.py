"""Draw the pictures of README anew: the program itself on its sample photos, into this folder.

Usage: ``python docs/pictures.py [--weights FILE|NAME]``; without weights those that ship are used.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PySide6.QtCore import QRect, QSettings
from PySide6.QtWidgets import QApplication

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # works in a bare source tree too

from annotator.app import make_window  # noqa: E402
from annotator.session import Session  # noqa: E402
from annotator.settings import DeskSettings  # noqa: E402
from trainer.data.sample import build_sample  # noqa: E402

SIZE = (1440, 900)
PATIENCE = 120.0
PHOTO = "astronaut"
PERSON, BACKGROUND = 15, 0
# Strokes: class, and the ends of a line as fractions (x, y) of the photo.
STROKES = (
    (PERSON, (0.43, 0.10), (0.45, 0.30)),
    (PERSON, (0.22, 0.62), (0.70, 0.62)),
    (PERSON, (0.30, 0.92), (0.60, 0.92)),
    (BACKGROUND, (0.68, 0.08), (0.62, 0.30)),
    (BACKGROUND, (0.07, 0.20), (0.14, 0.50)),
    (BACKGROUND, (0.93, 0.15), (0.93, 0.55)),
)


def main() -> None:
    """Draw ``desk.png``: the window with some strokes on a photo."""
    parser = argparse.ArgumentParser(description="Draw the pictures of README anew.")
    parser.add_argument("--weights", default="", help="weights to propose with; else those that ship")
    options = parser.parse_args()
    app = QApplication(sys.argv[:1])
    with TemporaryDirectory() as folder:
        # A desk of its own: neither the person's settings nor their projects are touched.
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        settings = DeskSettings()
        settings.theme = "dark"
        settings.weights = options.weights
        window = make_window(settings)
        window.resize(*SIZE)
        window.show()
        window.open_path(build_sample(Path(folder) / "sample"))
        session = window.session
        _wait(app, lambda: session.image_id is not None)
        session.open_image(PHOTO)
        _wait(app, lambda: _settled(session, PHOTO))
        for label, start, end in STROKES:
            _paint_line(session, label, start, end)
        _wait(app, lambda: _settled(session, PHOTO))
        window.grab().save(str(HERE / "desk.png"))
        window.close()


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


def _paint_line(
    session: Session, label: int, start: tuple[float, float], end: tuple[float, float], radius: int = 9
) -> None:
    """Paint a straight seed stroke of `label`; ends are fractions (x, y) of the photo."""
    height, width = session.image.shape[:2]
    y, x = np.mgrid[:height, :width]
    (ax, ay), (bx, by) = ((fx * width, fy * height) for fx, fy in (start, end))
    along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
    disc = np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) <= radius
    rows, columns = np.flatnonzero(disc.any(axis=1)), np.flatnonzero(disc.any(axis=0))
    box = QRect(columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1)
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    after = session.corrections[window].copy()
    after[disc[window]] = label
    session.commit_stroke(box, after, "brush")


if __name__ == "__main__":
    main()
