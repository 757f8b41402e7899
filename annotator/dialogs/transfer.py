"""The form that exporting and importing have in common: a folder, choices, progress, and the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.i18n import sentence
from annotator.session import Session
from annotator.widgets import explanation, heading

SHOWN = 5
"""Problems that are told one by one."""


class TransferDialog(QDialog):
    """Work goes on when the dialog is closed; the session then reports the outcome."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        """Make what the form consists of; subclasses name it, `start` and `folder_title`."""
        super().__init__(parent)
        self.session = session
        self.folder_title = ""
        self.setMinimumWidth(520)
        self.folder = QLineEdit()
        self.folder.setAccessibleName(self.tr("Folder"))
        self.browse = QPushButton(self.tr("Browse…"), autoDefault=False)
        self.browse.clicked.connect(self._browse)
        self.progress = QProgressBar(textVisible=False)
        self.progress.hide()
        self.outcome = explanation()
        self.close_button = QPushButton(self.tr("Close"), autoDefault=False)
        self.close_button.clicked.connect(self.reject)
        self.cancel_button = QPushButton(self.tr("Cancel"), autoDefault=False)
        self.cancel_button.hide()
        self.start = QPushButton(default=True)
        self.start.setProperty("accent", True)

    @property
    def path(self) -> Path:
        """The folder that is chosen."""
        return Path(self.folder.text()).expanduser().absolute()

    def lay_out(
        self, groups: Sequence[tuple[str, Sequence[QWidget]]], beside: Sequence[QWidget] = ()
    ) -> None:
        """Place widgets below their headings, the folder with its button in one row; then progress, outcome
        and buttons, at whose left stand those `beside`.
        """
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        for title, widgets in groups:
            layout.addWidget(heading(title))
            for widget in widgets:
                if widget is self.folder:
                    row = QHBoxLayout()
                    row.addWidget(self.folder, 1)
                    row.addWidget(self.browse)
                    layout.addLayout(row)
                else:
                    layout.addWidget(widget)
            layout.addSpacing(4)
        layout.addWidget(self.progress)
        layout.addWidget(self.outcome)
        layout.addSpacing(4)
        buttons = QHBoxLayout()
        for widget in beside:
            buttons.addWidget(widget)
        buttons.addStretch()
        for button in (self.close_button, self.cancel_button, self.start):
            buttons.addWidget(button)
        layout.addLayout(buttons)

    def show_running(self, running: bool, choices: Iterable[QWidget]) -> None:
        """Offer to cancel while it runs, and let nothing be chosen."""
        self.cancel_button.setVisible(running)
        for widget in (self.folder, self.browse, *choices):
            widget.setEnabled(not running)

    def tell(self, kind: str, text: str) -> None:
        """Show the outcome; where the dialog is closed, as a message of a kind."""
        self.outcome.setText(text)
        if not self.isVisible():
            self.session.message.emit(kind, text)

    def told(self, problems: Sequence[str]) -> list[str]:
        """The first problems in the present language, and how many there are beside them."""
        lines = [sentence(problem) for problem in problems[:SHOWN]]
        if len(problems) > SHOWN:
            text = self.tr("…and {n} more that had to be left out.")
            lines.append(text.format(n=len(problems) - SHOWN))
        return lines

    def _browse(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, self.folder_title, self.folder.text()):
            self.folder.setText(chosen)
