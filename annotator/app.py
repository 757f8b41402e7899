"""Starting the desk: the window first, everything heavy afterwards."""

from __future__ import annotations

import gc
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_log_path
from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from annotator import i18n
from annotator.session import Session
from annotator.session.models import WEIGHTS
from annotator.settings import DeskSettings
from annotator.shell.crash_trace import traced
from annotator.shell.window import Window
from annotator.theme import Theme
from resources import path as resource
from trainer.data.project import Project
from trainer.imports import import_for_good

if TYPE_CHECKING:
    from annotator.session.engine_loading import Loaded


def run(project: Path | None = None) -> int:
    """Show the desk with `project` (a folder or project file), the last one, or at first the sample."""
    with traced(user_log_path("affinity-annotator")) as crashes:
        return _run(project, crashes)


def _run(project: Path | None, crashes: Sequence[Path]) -> int:
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("affinity-annotator")
    app.setApplicationDisplayName("Affinity Annotator")
    app.setWindowIcon(QIcon(str(resource("themes", "icon.svg"))))
    settings = DeskSettings()
    i18n.install(app, settings.language)
    window = make_window(settings)
    window.show()
    recent = next((path for path in settings.recent if path.exists()), None)

    def painted() -> None:
        begin(window, project or recent)
        window.tell_of_crashes(crashes)  # opening takes earlier messages away

    window.painted.connect(painted)
    # Python looks at signals only when it runs: Ctrl+C in the terminal closes the window, as it should.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    heartbeat = QTimer(interval=200)
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start()
    return app.exec()


def begin(window: Window, project: Path | None) -> None:
    """Do what takes long, once the window is seen: open `project`, or the sample."""
    gc.freeze()  # what a start makes is there to stay
    if project:
        window.project_actions.open_path(project)
    else:
        window.project_actions.open_sample()


def make_window(settings: DeskSettings) -> Window:
    """The window with its session, nothing opened yet."""
    theme = Theme(settings.theme)

    def load(project: Project) -> Loaded:
        import_for_good("annotator.session.engine_loading")  # torch, which the window does not wait for
        from annotator.session.engine_loading import load_engine

        return load_engine(project, project.setting(WEIGHTS, ""))

    session = Session(load)
    window = Window(session, settings, theme)
    # A fault in a slot must never take the desk down: it is shown, with what a report needs.
    sys.excepthook = window.report_fault
    logging.captureWarnings(True)
    return window
