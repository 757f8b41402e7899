"""Proposals for all images of the project: begun, followed, cancelled."""

from PySide6.QtCore import QObject, Signal

from annotator.session.state import SessionState
from trainer.worker.messages import ProposalStored, ProposeAllEnded, ProposeAllProgress, StartSweep, StopSweep


class ProposeAll(QObject):
    """Lets the trainer thread propose for all images, and reports progress and result."""

    changed = Signal()  # it runs or no longer does, or has come further

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self._state = state
        self.running = False
        self.number = self.total = 0  # the image in hand, of how many; 0 before the first
        state.trainer_message.connect(self._hear)
        state.project_opened.connect(self._end)
        state.predictor.unavailable.connect(self._end)
        state.engine_changed.connect(self._go_on)

    def start(self) -> None:
        """Begin; with models that are still being loaded it begins when they are there."""
        if self._state.project is not None and not self.running:
            self.running = True
            self._state.predictor.post(StartSweep())
            self.changed.emit()

    def cancel(self) -> None:
        """End it after the image in hand; what is proposed stays."""
        if self._state.worker is None:
            self._end()
        self._state.predictor.post(StopSweep())

    def _go_on(self) -> None:
        """Let the trainer thread of models that were exchanged take it over."""
        if self.running:
            self._state.predictor.post(StartSweep())

    def _hear(self, message: object) -> None:
        match message:
            case ProposeAllProgress():
                self.number, self.total = message.number, message.total
                self.changed.emit()
            case ProposalStored():
                self._state.reload_record(message.image)
            case ProposeAllEnded():
                self._end()
                self._tell(message)

    def _end(self) -> None:
        self.running = False
        self.number = self.total = 0
        self.changed.emit()

    def _tell(self, ended: ProposeAllEnded) -> None:
        if ended.stopped:
            text = self.tr("Cancelled. Images proposed for: {n}; these proposals stay.")
        elif ended.images or ended.problems:
            text = self.tr("Images proposed for: {n}.")
        else:
            text = self.tr("There is nothing to propose: every tagged image is up to date, or corrected.")
        self._state.message.emit("info", text.format(n=ended.images))
        self._state.warn(ended.problems)
