"""Choosing the pretrained network: a file, or official weights that are downloaded once."""

from pathlib import Path
from threading import Event

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from annotator.session.jobs import Jobs
from annotator.widgets import ComboBox, explanation
from trainer.errors import Cancelled
from trainer.models.download import download
from trainer.models.registry import OFFICIAL


class WeightsDialog(QDialog):
    """Bundled weights, a file, or a download; accepted once the choice can be used.

    A download ends with the dialog, or with the desk.
    """

    chosen = Signal(str)  # a file, a published name, "" for what comes with the program
    _received = Signal(int, int)

    def __init__(self, jobs: Jobs, weights: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._gone = Event()
        self.rejected.connect(self._gone.set)
        self.setWindowTitle(self.tr("Weights"))
        self.setMinimumWidth(540)
        self.bundled = QRadioButton(self.tr("Bundled with the program"))
        self.file = QRadioButton(self.tr("A file"))
        self.official = QRadioButton(self.tr("Published weights (downloaded once)"))
        self.path = QLineEdit(placeholderText=self.tr("Models of this program, .safetensors or .pth"))
        self.path.setAccessibleName(self.tr("Weights file"))
        self.path.textEdited.connect(lambda: self.file.setChecked(True))
        browse = QPushButton(self.tr("Browse…"), autoDefault=False)
        browse.clicked.connect(self._browse)
        self.names = ComboBox()
        for entry in OFFICIAL.values():
            self.names.addItem(f"{entry.name}  ·  {entry.top1:.1f} % top-1", entry.name)
        self.names.activated.connect(lambda: self.official.setChecked(True))
        self.progress = QProgressBar(textVisible=False)
        self.progress.hide()
        self.problem = explanation(
            self.tr("A backbone alone knows shapes and textures; whole models also know classes.")
        )
        cancel = QPushButton(self.tr("Cancel"), autoDefault=False)
        cancel.clicked.connect(self.reject)
        self.use = QPushButton(self.tr("Use"), default=True)
        self.use.setProperty("accent", True)
        self.use.clicked.connect(self.choose)
        self._received.connect(self._advance)
        row = QHBoxLayout()
        row.setContentsMargins(22, 0, 0, 0)
        row.addWidget(self.path, 1)
        row.addWidget(browse)
        names = QHBoxLayout()
        names.setContentsMargins(22, 0, 0, 0)
        names.addWidget(self.names, 1)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(self.use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        self.choices = QWidget()
        choices = QVBoxLayout(self.choices)
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setSpacing(9)
        choices.addWidget(self.bundled)
        choices.addWidget(self.file)
        choices.addLayout(row)
        choices.addWidget(self.official)
        choices.addLayout(names)
        layout.addWidget(self.choices)
        layout.addWidget(self.progress)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)
        self._show_present(weights)

    def choose(self) -> None:
        """Use what is chosen; a download comes first."""
        if self.official.isChecked():
            name, jobs, gone = self.names.currentData(), self._jobs, self._gone

            def advance(have: int, total: int | None) -> None:
                if gone.is_set() or jobs.closed:
                    raise Cancelled("the download was cancelled; it goes on from there the next time")
                self._received.emit(have, total or 0)

            self._downloading(True)
            self.progress.setRange(0, 0)
            self.problem.setText(self.tr("Downloading {name}…").format(name=name))
            self._jobs.submit(
                lambda: download(OFFICIAL[name], progress=advance),
                lambda _: None if gone.is_set() else self._take(name),
                self._failed,
            )
        elif self.file.isChecked():
            path = Path(self.path.text()).expanduser()
            if path.is_file():
                self._take(str(path))
            else:
                self.problem.setText(self.tr("{path} is not a file; choose one.").format(path=path))
        else:
            self._take("")

    def _take(self, weights: str) -> None:
        self.chosen.emit(weights)
        self.accept()

    def _failed(self, error: Exception) -> None:
        self._downloading(False)
        self.problem.setText(str(error))

    def _downloading(self, going: bool) -> None:
        self.choices.setDisabled(going)
        self.use.setDisabled(going)
        self.progress.setVisible(going)

    def _advance(self, have: int, total: int) -> None:
        # In KiB, since Qt's ranges end at 2 GiB.
        self.progress.setRange(0, total >> 10)
        self.progress.setValue(have >> 10)

    def _browse(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Weights file"), "", self.tr("Weights (*.safetensors *.pth *.pt)")
        )
        if name:
            self.path.setText(name)
            self.file.setChecked(True)

    def _show_present(self, weights: str) -> None:
        if weights in OFFICIAL:
            self.official.setChecked(True)
            self.names.setCurrentIndex(self.names.findData(weights))
        elif weights:
            self.file.setChecked(True)
            self.path.setText(weights)
        else:
            self.bundled.setChecked(True)
