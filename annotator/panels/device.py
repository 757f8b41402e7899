"""The switch of the Trainer panel for the GPU."""

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from annotator.session import Session
from annotator.widgets import explanation
from trainer.devices import CPU
from trainer.worker.messages import DeviceChanged


class DeviceBox(QWidget):
    """Says where networks compute, and lets a person choose."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.switch = QCheckBox(self.tr("Compute on the GPU"))
        self.switch.toggled.connect(session.predictor.use_gpu)
        self._words = explanation()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.switch)
        layout.addWidget(self._words)
        session.predictor.gpu_found.connect(lambda: self._show(session.predictor.wants_gpu))
        session.trainer_message.connect(self.hear)
        self._show(session.predictor.wants_gpu)

    def hear(self, message: object) -> None:
        """Show where the trainer thread computes from now on."""
        if isinstance(message, DeviceChanged):
            self._show(message.device != CPU)

    def _show(self, on: bool) -> None:
        gpu = self._session.predictor.gpu
        with QSignalBlocker(self.switch):
            self.switch.setChecked(on and bool(gpu))
        self.switch.setEnabled(bool(gpu))
        self._words.setText(
            self.tr("Proposals and training; the answers to strokes are as quick without it.")
            if gpu
            else self.tr("No GPU was found: the CPU computes.")
        )
