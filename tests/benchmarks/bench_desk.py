"""The desk: brush, stalls while it learns, start, ten thousand images, the next image, rest."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop, QPointF, QSettings, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from annotator.app import make_window
from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.shell.window import Window
from annotator.theme import Theme
from tests.benchmarks.harness import HERE, Result, in_new_process, skipped
from tests.benchmarks.stalls import Stalls
from trainer.data.project import Project
from trainer.data.sample import PHOTOS, build_sample
from trainer.errors import WeightsError
from trainer.worker.messages import LearnTags, Stop

DABS = 150
OUTLINES = 40
LEARNING_SECONDS = 12.0
POLL_MS = 2
STARTS = 3
BEGIN = """
import gc, time
gc.disable()  # as main.py does
from PySide6.QtWidgets import QApplication
app = QApplication([])
from annotator.app import make_window
from annotator.settings import DeskSettings
window = make_window(DeskSettings())
def end():
    print(time.monotonic(), flush=True)
    window.close()
    app.quit()
"""
OUR_START = f"""
{BEGIN}
window.painted.connect(end)
window.show()
app.exec()
"""
FIRST_MASKS = f"""
{BEGIN}
import sys
from PySide6.QtCore import QTimer
from annotator.app import begin
from trainer.data.project import Status
window.painted.connect(lambda: begin(window, None))
window.show()
session, wanted, clock = window.session, int(sys.argv[1]), QTimer(interval=10)
def look():
    if sum(record.status is Status.PROPOSED for record in session.records.values()) >= wanted:
        clock.stop()
        end()
clock.timeout.connect(look)
clock.start()
app.exec()
"""
LABELME_START = """
import os, sys, time
from PyQt5 import QtCore
import labelme.__main__ as program

def painted():
    print(time.monotonic(), flush=True)
    os._exit(0)

class Window(program.MainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QtCore.QTimer.singleShot(0, painted)

program.MainWindow = Window
sys.argv = ["labelme"]
program.main()
"""


def no_models(project: Project) -> NoReturn:
    """Stand in the place of models where only the desk is measured."""
    raise WeightsError("this benchmark takes no models")


def desk(folder: Path, models: bool = False) -> Window:
    """The whole window on `folder`, its first photo open, with settings of its own."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    QSettings.setPath(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder.parent / "bench-settings")
    )
    settings = DeskSettings()
    window = make_window(settings) if models else Window(Session(no_models), settings, Theme())
    window.show()
    window.project_actions.open_path(folder)
    wait(lambda: window.session.document is not None)
    return window


def wait(there: Callable[[], bool], seconds: float = 600.0) -> None:
    """Let events come until something is there, asleep between them as a desk is. Raises TimeoutError."""
    end, clock = time.monotonic() + seconds, QTimer(interval=POLL_MS)
    clock.start()
    while not there():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        if time.monotonic() > end:
            raise TimeoutError("the desk did not come so far")


def settle(session: Session) -> None:
    """Wait for the full proposal of the open photo."""
    wait(lambda: session.proposal is not None and not session.proposal.fast and not session.busy)


def rest(session: Session) -> None:
    """Wait for what the pool does once when a photo is opened: modules are imported, objects are counted."""
    session.jobs.finish(60_000)
    wait(lambda: not session.busy)


def dabs(window: Window, count: int) -> list[float]:
    """Milliseconds from each move of a drawing brush until the window is painted."""
    port, taken = window.canvas.viewport(), []
    generator = np.random.default_rng(0)
    at = QPointF(port.width() / 2, port.height() / 2)
    send(port, QMouseEvent.Type.MouseButtonPress, at, Qt.MouseButton.LeftButton)
    for _ in range(count):
        step = generator.normal(0, 12, 2)
        at = QPointF(
            float(np.clip(at.x() + step[0], 60, port.width() - 60)),
            float(np.clip(at.y() + step[1], 60, port.height() - 60)),
        )
        start = time.perf_counter()
        send(port, QMouseEvent.Type.MouseMove, at, Qt.MouseButton.LeftButton)
        QApplication.sendPostedEvents()
        QApplication.processEvents()
        taken.append((time.perf_counter() - start) * 1000)
    send(port, QMouseEvent.Type.MouseButtonRelease, at, Qt.MouseButton.NoButton)
    return taken


def send(port: QWidget, kind: QMouseEvent.Type, at: QPointF, held: Qt.MouseButton) -> None:
    """Send a mouse event to a widget, `held` down after it."""
    button = Qt.MouseButton.NoButton if kind is QMouseEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    position = port.mapToGlobal(at)
    event = QMouseEvent(kind, at, position, button, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(port, event)


def outlines() -> list[float]:
    """Milliseconds from the mouse's last move to the outline of what a click there would give."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        folder.mkdir()
        build_sample(folder)
        window = desk(folder, models=True)
        session, canvas, taken = window.session, window.canvas, []
        settle(session)
        rest(session)
        session.class_id = len(session.classes)  # none of this photo's: a click anywhere gives something
        generator = np.random.default_rng(0)
        height, width = session.mask.shape
        for y, x in generator.uniform(0.1, 0.9, (OUTLINES, 2)):
            at = canvas.from_image(QPointF(x * width, y * height))
            send(canvas.viewport(), QMouseEvent.Type.MouseMove, at, Qt.MouseButton.NoButton)
            start = time.perf_counter()
            wait(lambda: canvas.click_preview.path is not None)
            taken.append((time.perf_counter() - start) * 1000)
        window.close()
        return taken


def photo(file: Path, width: int, height: int) -> None:
    """Write a photo of that size, neither flat nor noise."""
    small = np.random.default_rng(width).integers(0, 255, (12, 16, 3), np.uint8)
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(file, quality=90)


def large_brush() -> list[float]:
    """Dabs on a photo of 24 megapixels whose mask shows two classes."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        folder.mkdir()
        photo(folder / "large.jpg", 6000, 4000)
        (folder / "tags.csv").write_text("image,tags\nlarge,cat dog\n")
        mask = np.zeros((4000, 6000), np.uint8)
        mask[500:3500, 600:3200], mask[900:3000, 3000:5500] = 1, 2
        with closing(Project.open_folder(folder)) as project:
            project.store_proposal_mask("large", mask)
        window = desk(folder)
        rest(window.session)
        taken = dabs(window, DABS)
        window.close()
        return taken


def learning() -> tuple[list[float], list[float], str]:
    """Dabs, stalls of the event loop and what ran in the worst one, while the desk learns from tags."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        folder.mkdir()
        build_sample(folder)
        window = desk(folder, models=True)
        session = window.session
        settle(session)
        heard: list[object] = []
        session.trainer_message.connect(heard.append)
        session.predictor.post(LearnTags())
        wait(lambda: bool(heard))
        stalls = Stalls()
        stalls.start()
        end = time.monotonic() + LEARNING_SECONDS
        wait(lambda: time.monotonic() > end)
        stalls.stop()
        taken = dabs(window, DABS)
        session.predictor.post(Stop())
        window.close()
        return taken, stalls.gaps, stalls.tell_worst()


def ten_thousand() -> float:
    """Seconds until the first of 10,000 photos of a known project is open and the list is there."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        folder.mkdir()
        photo(folder / "photo_00000.jpg", 320, 240)
        for number in range(1, 10_000):
            os.link(folder / "photo_00000.jpg", folder / f"photo_{number:05}.jpg")
        Project.open_folder(folder).close()
        start = time.perf_counter()
        window = desk(folder)
        wait(lambda: len(window.images.model.ids) == 10_000)
        seconds = time.perf_counter() - start
        window.close()
        return seconds


def next_image() -> list[float]:
    """Milliseconds to each next photo of 12 megapixels, prefetched."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        folder.mkdir()
        for number in range(6):
            photo(folder / f"photo_{number}.jpg", 4000, 3000)
        window = desk(folder)
        session, taken = window.session, []
        for _ in range(5):
            rest(session)
            before, start = session.image_id, time.perf_counter()
            session.go(1)
            wait(lambda before=before: session.image_id != before)
            QApplication.processEvents()
            taken.append((time.perf_counter() - start) * 1000)
        window.close()
        return taken


def at_rest() -> float:
    """Share of a core that the desk takes while nobody touches it, its models loaded."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        folder.mkdir()
        build_sample(folder)
        window = desk(folder, models=True)
        settle(window.session)
        end, loop = time.monotonic() + 20, QEventLoop()  # what was begun ahead comes to its end
        wait(lambda: time.monotonic() > end)
        QTimer.singleShot(4000, loop.quit)
        cpu, wall = time.process_time(), time.perf_counter()
        loop.exec()
        share = (time.process_time() - cpu) / (time.perf_counter() - wall)
        window.close()
        return share


def start_seconds(program: str, *arguments: str) -> float:
    """Best time from the start of a process until it prints the moment that it waits for."""
    best = float("inf")
    for _ in range(STARTS + 1):  # the first one warms the disk up
        with tempfile.TemporaryDirectory() as settings:
            environment = {**os.environ, "XDG_CONFIG_HOME": settings, "HOME": settings}
            begun = time.monotonic()
            printed = subprocess.run(
                [sys.executable, "-c", program, *arguments],
                cwd=HERE.parents[1],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        best = min(best, float(printed.split()[-1]) - begun)
    return best


def first_masks() -> list[float]:
    """Seconds from the start until one of the sample's photos has its full mask, and until all have."""
    return [start_seconds(FIRST_MASKS, str(count)) for count in (1, len(PHOTOS))]


def promised(name: str, value: float, unit: str, limit: float, note: str = "") -> Result:
    """A figure that is promised not to exceed `limit`."""
    return Result(name, value, unit, promise=f"≤ {limit:g} {unit}", kept=value <= limit, note=note)


def run() -> list[Result]:
    """Measure the desk, each part in a process of its own."""
    busy = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" if hasattr(os, "getloadavg") else ""
    large, _ = in_new_process(large_brush)
    (trained, gaps, worst), _ = in_new_process(learning)
    print("Worst stall while learning:", worst)
    seconds, memory = in_new_process(ten_thousand)
    following, _ = in_new_process(next_image)
    outlined, _ = in_new_process(outlines)
    resting, _ = in_new_process(at_rest)
    start = start_seconds(OUR_START)
    first, all_six = first_masks()
    return [
        promised("dab to repaint, 24 megapixels, p95", float(np.percentile(large, 95)), "ms", 8, busy),
        promised("dab to repaint while learning, p95", float(np.percentile(trained, 95)), "ms", 16, busy),
        promised(
            "stall of the event loop while learning, p99", float(np.percentile(gaps, 99)), "ms", 16, busy
        ),
        promised("stall of the event loop while learning, worst", max(gaps), "ms", 50, busy),
        promised("start to painted window, warm", start, "s", 1.5, busy),
        against_labelme(start),
        promised("10,000 images to the first one open", seconds, "s", 2, busy),
        promised("10,000 images, peak memory", memory, "MiB", 600),
        promised("next image, prefetched, 12 megapixels", float(np.median(following)), "ms", 100, busy),
        promised("start to the first full mask, sample photos", first, "s", 3, busy),
        promised("start to all six full masks, sample photos", all_six, "s", 10, busy),
        promised(
            "mouse at rest to outline of a click, p95", float(np.percentile(outlined, 95)), "ms", 100, busy
        ),
        promised("processor at rest", 100 * resting, "% of a core", 2, busy),
    ]


def against_labelme(ours: float) -> Result:
    """Start labelme as often, and compare."""
    name = "start to painted window, against labelme"
    if importlib.util.find_spec("labelme") is None or importlib.util.find_spec("PyQt5") is None:
        return skipped(name, "labelme is missing")
    theirs = start_seconds(LABELME_START)
    return Result(name, ours, "s", theirs, "labelme", "≤ 0.8 of it", ours <= 0.8 * theirs)
