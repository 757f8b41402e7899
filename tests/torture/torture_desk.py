"""The desk for a day, by real events: strokes and undo, dialogs while learning, image after image."""

from __future__ import annotations

import logging
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).parents[1]
if not os.environ.get("DISPLAY"):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(HERE), str(HERE / "annotator")]

from desk import SIDE, small_engine  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt, QtMsgType, qInstallMessageHandler  # noqa: E402
from PySide6.QtTest import QSignalSpy, QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QWidget  # noqa: E402

import trainer.worker.tag_learning as tag_learning  # noqa: E402
from annotator.dialogs.classes import ClassesDialog  # noqa: E402
from annotator.session import Session  # noqa: E402
from annotator.settings import DeskSettings  # noqa: E402
from annotator.shell.window import Window  # noqa: E402
from annotator.theme import Theme  # noqa: E402
from trainer.data.project import Status  # noqa: E402
from trainer.data.sample import PHOTOS, build_sample  # noqa: E402
from trainer.learn.augment import Augmentation  # noqa: E402
from trainer.worker.messages import Start, State, ValidationPoint  # noqa: E402

COPIES = 6  # of each photo of the sample
MOST_GROWTH = 50.0  # MB after the warm-up
WARM_UP = 0.4  # part of the rounds; the first rounds of the trainer end within
ROUNDS = 2  # of the trainer, in which it fills its caches
PATIENCE = 60.0  # seconds for anything that is waited for
ROUND_PATIENCE = 300.0  # seconds for these
NO_MODIFIER, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton
K = Qt.Key
USUAL = "This plugin does not support propagateSizeHints"  # of Qt's drawing into memory, of no consequence


class Problems(logging.Handler):
    """Collects what no run may have: warnings of Qt, tracebacks, errors in the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Collect an error of the log."""
        self.found.append(f"log: {self.format(record)}")

    def of_qt(self, kind: QtMsgType, context: object, text: str) -> None:
        """Collect a message of Qt."""
        if USUAL not in text:
            self.found.append(f"Qt: {text}")

    def of_desk(self, level: str, text: str) -> None:
        """Collect an error that a person would be told of."""
        if level == "error":
            self.found.append(f"message: {text}")

    def of_python(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None = None
    ) -> None:
        """Collect an exception that nobody caught."""
        self.found.append(f"uncaught: {kind.__name__}: {error}")
        sys.__excepthook__(kind, error, trace)


@contextmanager
def watched() -> Iterator[Problems]:
    """Collect problems meanwhile."""
    problems = Problems()
    qInstallMessageHandler(problems.of_qt)
    logging.getLogger().addHandler(problems)
    sys.excepthook = problems.of_python
    threading.excepthook = lambda args: problems.of_python(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: problems.of_python(args.exc_type, args.exc_value, args.exc_traceback)
    try:
        yield problems
    finally:
        qInstallMessageHandler(None)
        logging.getLogger().removeHandler(problems)
        sys.excepthook, threading.excepthook = sys.__excepthook__, threading.__excepthook__
        sys.unraisablehook = sys.__unraisablehook__


def until(met: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Let events come until something holds. Raises TimeoutError after `patience` seconds."""
    end = time.monotonic() + patience
    while not met():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        QTest.qWait(1)


def resident_mb() -> float | None:
    """Memory of this process that is in RAM; None where the system does not tell."""
    file = Path("/proc/self/statm")
    if not file.is_file():
        return None
    return int(file.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def photos(folder: Path) -> Path:
    """Small copies of the sample's photos, tagged."""
    sample = build_sample(folder / "sample")
    many = folder / "photos"
    many.mkdir()
    rows = ["image,tags"]
    for name, tags in PHOTOS.items():
        if (sample / name).is_file():
            with Image.open(sample / name) as photo:
                photo.thumbnail((SIDE, SIDE))
                for copy in range(COPIES):
                    photo.rotate(15 * copy).convert("RGB").save(many / f"{Path(name).stem}_{copy}.png")
                    rows.append(f"{Path(name).stem}_{copy},{' '.join(tags)}")
    (many / "tags.csv").write_text("\n".join(rows) + "\n")
    (many / "classes.txt").write_bytes((sample / "classes.txt").read_bytes())
    return many


class Labeler:
    """Does by mouse and keyboard what a person would."""

    def __init__(self, window: Window) -> None:
        self.window, self.session = window, window.session
        self.session.brush_radius = 4.0
        self._way = K.Key_D
        self._judged = 0
        self.session.trainer_message.connect(self._hear)

    def _hear(self, message: object) -> None:
        self._judged += isinstance(message, ValidationPoint)

    def wait_for_trainer(self) -> None:
        """Wait until the trainer has come through its first rounds."""
        until(lambda: self._judged >= ROUNDS, "rounds of the trainer", ROUND_PATIENCE)

    def rest(self) -> None:
        """Leave the desk alone until it has given freed memory back."""
        jobs, rested = self.session.jobs, QSignalSpy(self.session.jobs.rested)
        jobs.submit(lambda: None, lambda _: None)
        until(lambda: rested.count() > 0, "the desk to rest")
        jobs.finish()

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Press a key where the keyboard is."""
        QTest.keyClick(QApplication.focusWidget() or self.window, key, modifiers)

    def settle(self) -> None:
        """Wait until the open image has its full proposal and nothing is under way."""
        session = self.session
        until(
            lambda: session.proposal is not None and not session.proposal.fast and not session.busy,
            "a proposal",
        )

    def paint(self, number: int) -> None:
        """Draw a short stroke, elsewhere at every number."""
        port = self.window.canvas.viewport()
        x, y = 20 + 7 * number % 80, 20 + 11 * number % 50
        points = [self._at(x + step, y + step // 2) for step in range(0, 30, 10)]
        QTest.mousePress(port, LEFT, NO_MODIFIER, points[0])
        for point in points[1:]:
            QTest.mouseMove(port, point)
        QTest.mouseRelease(port, LEFT, NO_MODIFIER, points[-1])

    def go(self, key: Qt.Key) -> None:
        """Go to another image by a key, and wait until it is shown."""
        shown: list[str] = []
        self.session.image_changed.connect(shown.append)
        self.press(key)
        until(lambda: bool(shown), "the next image")
        self.session.image_changed.disconnect(shown.append)

    def strokes(self, number: int) -> None:
        """A stroke on an accepted photo, and its undo; now and then another photo."""
        session = self.session
        if number % 10 == 0:
            self.go(K.Key_D)
            self.settle()
            if session.record.status is not Status.ACCEPTED:
                self.go(K.Key_Return)
                self.settle()
                self.go(K.Key_A)
                self.settle()
        accepted = session.mask.copy()
        self.paint(number)
        until(lambda: session.saved and session.record.status is Status.CORRECTED, "the stroke on disk")
        self.press(K.Key_Z, CONTROL)
        # The record may be read again, for a proposal, before the desk is told of the undo.
        until(
            lambda: session.record.status is Status.ACCEPTED and session.document.accepted,
            "the acceptance that is back",
        )
        if (session.mask != accepted).any():
            raise AssertionError(f"round {number}: undo did not bring the accepted mask back")

    def dialogs(self, number: int) -> None:
        """One dialog after the other while classes are learnt from tags; new classes at every third."""
        window = self.window
        if window.trainer.state is not State.TRAINING:
            self.press(K.Key_L, CONTROL)
            until(lambda: window.trainer.state is State.TRAINING, "learning from tags")
        openers = window.project_actions.edit_classes, window.show_keys, window.about
        opened: Callable[[], object] = openers[number % 3]
        opened()
        dialog = self._dialog()
        if isinstance(dialog, ClassesDialog):
            QTest.keyClicks(dialog.field, f"Cat {number}")
            QTest.keyClick(dialog.field, K.Key_Return)
            until(lambda: not dialog.field.text(), "the new class")
            assert f"Cat {number}" in self.session.classes
        QTest.keyClick(dialog, K.Key_Escape)
        until(lambda: not dialog.isVisible(), "the dialog to close")
        dialog.deleteLater()
        window.activateWindow()
        until(window.isActiveWindow, "the window to be active again")
        window.canvas.setFocus()

    def images(self, number: int) -> None:
        """The next image at once, at some a stroke, while the trainer is on."""
        order = self.session.order
        if self.session.image_id in (order[0], order[-1]):
            self._way = K.Key_D if self.session.image_id == order[0] else K.Key_A
        self.go(self._way)
        if number % 5 == 0:
            self.paint(number)
        if number % 50 == 0:
            self.session.predictor.post(Start())

    def _at(self, x: float, y: float) -> QPoint:
        return self.window.canvas.from_image(QPointF(x, y)).toPoint()

    def _dialog(self) -> QDialog:
        found: list[QWidget] = []

        def seen() -> bool:
            found[:] = [each for each in self.window.findChildren(QDialog) if each.isVisible()]
            return bool(found)

        until(seen, "a dialog")
        (dialog,) = found
        assert isinstance(dialog, QDialog)
        return dialog


def repeated(
    act: Callable[[int], None],
    rounds: int,
    most_growth: float,
    problems: list[str],
    rest: Callable[[], None],
    warmed_up: Callable[[], None],
) -> dict[str, object]:
    """Do something many times; how long it took and how much memory it left behind after the warm-up.

    At the end of the warm-up `warmed_up` is waited for. Memory is that of a desk at `rest`.
    """
    begun, warm = time.monotonic(), resident_mb()
    for number in range(rounds):
        if number == int(WARM_UP * rounds):
            warmed_up()
            rest()
            warm = resident_mb()
        act(number)
    rest()
    end = resident_mb()
    grown = None if warm is None or end is None else round(end - warm, 1)
    if grown is not None and grown > most_growth:
        problems.append(f"{act.__name__}: memory grew by {grown} MB after the warm-up")
    return {"rounds": rounds, "seconds": round(time.monotonic() - begun, 1), "mb_after_warm_up": grown}


def run(short: bool) -> dict[str, object]:
    """Wear the desk out; what each part took, and every problem."""
    for name in ("CLASSIFIER_RECIPE", "AFFINITY_RECIPE"):  # small, and long enough for a hundred dialogs
        recipe = getattr(tag_learning, name)
        views = Augmentation(long_side=(64, 96), crop=64)
        setattr(tag_learning, name, replace(recipe, epochs=20, views=views))
    rounds = {"strokes": 12, "dialogs": 6, "images": 40} if short else {
        "strokes": 300, "dialogs": 100, "images": 2000
    }  # fmt: skip
    most_growth = math.inf if short else MOST_GROWTH  # a few rounds fill caches still
    figures: dict[str, object] = {}
    app = QApplication.instance() or QApplication([])
    threads = set(threading.enumerate())
    with tempfile.TemporaryDirectory() as folder, watched() as problems:
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        window = Window(Session(small_engine), DeskSettings(), Theme("dark"))
        window.session.message.connect(problems.of_desk)
        try:
            window.resize(1200, 800)
            window.show()
            window.project_actions.open_path(photos(Path(folder)))
            labeler = Labeler(window)
            labeler.settle()
            window.activateWindow()
            window.canvas.setFocus()
            for name, count in rounds.items():
                warmed_up = labeler.wait_for_trainer if name == "strokes" and not short else lambda: None
                figures[name] = repeated(
                    getattr(labeler, name), count, most_growth, problems.found, labeler.rest, warmed_up
                )
        except (TimeoutError, AssertionError) as error:
            problems.found.append(str(error))
        if not window.close():
            problems.found.append("the window did not close")
        window.deleteLater()
        app.sendPostedEvents()
        app.processEvents()
    left = [
        thread.name
        for thread in threading.enumerate()
        if thread not in threads and thread.is_alive() and not isinstance(thread, threading._DummyThread)
    ]
    if left:
        problems.found.append(f"threads left: {', '.join(left)}")
    return {**figures, "problems": problems.found[:50]}
