"""From the trainer thread into the GUI thread: one queued signal, nothing shared."""

from contextlib import suppress

from PySide6.QtCore import QObject, Signal


class Bridge(QObject):
    """Give `deliver` to the trainer thread; `arrived` fires in the thread this object lives in."""

    arrived = Signal(object)

    def deliver(self, message: object) -> None:
        """Hand over one message; callable from any thread."""
        # The desk may be gone while the thread says its last words: then nobody is left to listen.
        with suppress(RuntimeError):
            self.arrived.emit(message)
