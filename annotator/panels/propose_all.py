"""The part of the Trainer panel that proposes for all images: start button, progress, cancel button."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from annotator.actions import spec_of, translated
from annotator.session import Session
from annotator.theme import Theme
from annotator.widgets import explanation


class ProposeAllBox(QWidget):
    """Shows how far the proposals for all images are."""

    shown = Signal()

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._propose_all, self._theme = session, session.propose_all, theme
        self._training = False
        self.start = QPushButton(translated(spec_of("propose_all").text))
        self.start.clicked.connect(session.propose_all.start)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.clicked.connect(session.propose_all.cancel)
        self.progress = QProgressBar(textVisible=False)
        self.doing = explanation()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.start)
        layout.addLayout(row)
        layout.addWidget(self.doing)
        layout.addWidget(
            explanation(
                self.tr(
                    "For every tagged image that you have not corrected, so that “Most useful next” and the "
                    "export cover them all. Everything else you do takes precedence."
                )
            )
        )
        session.propose_all.changed.connect(self._show)
        session.project_opened.connect(self._show)
        theme.changed.connect(self._show)
        self._show()

    def follow(self, training: bool) -> None:
        """Say whether the trainer learns now, which the proposals wait for."""
        self._training = training
        self._show()

    def text(self) -> str:
        """What is being done, in the present language; "" when nothing is."""
        if not self._propose_all.running:
            return ""
        if self._training:
            return self.tr("Proposing waits until training ends or is paused")
        if not self._propose_all.total:
            return self.tr("Proposing…")
        return self.tr("Proposing {n} of {total}").format(
            n=self._propose_all.number, total=self._propose_all.total
        )

    def _show(self) -> None:
        running = self._propose_all.running
        self.start.setIcon(self._theme.icon(spec_of("propose_all").icon))
        self.start.setEnabled(self._session.project is not None and not running)
        self.progress.setRange(0, max(self._propose_all.total, 1))
        self.progress.setValue(max(self._propose_all.number - 1, 0))
        self.doing.setText(self.text())
        for widget in (self.cancel, self.progress, self.doing):
            widget.setVisible(running)
        self.shown.emit()
