"""Python's garbage is collected in the GUI thread, whichever thread makes it."""

import gc
import threading
import weakref

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from annotator.garbage import GarbageCollector
from annotator.session.jobs import Jobs


def test_a_dialog_that_nobody_holds_is_destroyed_in_the_gui_thread(qtbot: QtBot) -> None:
    owner = QObject()
    gc.enable()
    gc.collect()
    GarbageCollector(owner)
    destroyed_in: list[int] = []
    dialog = QDialog()
    dialog.itself = dialog  # type: ignore[attr-defined]
    weakref.finalize(dialog, lambda: destroyed_in.append(threading.get_ident()))
    del dialog

    def work() -> None:
        for _ in range(100_000):
            circle: list[object] = []
            circle.append(circle)

    jobs = Jobs(parent=owner)
    jobs.submit(work)
    assert jobs.finish()
    qtbot.waitUntil(lambda: bool(destroyed_in))
    assert destroyed_in == [threading.main_thread().ident]
    jobs.close()
