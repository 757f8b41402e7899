"""Importing masks that other programs made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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

from annotator.i18n import error_text, localised
from annotator.session import Session
from annotator.session.jobs import Latest
from annotator.widgets import explanation, heading

if TYPE_CHECKING:
    # The formats import scikit-image: that is done in the pool, the window does not wait.
    from trainer.data.import_masks import Imported

SHOWN = 5


class ImportDialog(QDialog):
    """Choice of a folder or file, and of what its masks become; then progress and result.

    An import continues when the dialog is closed; the session then reports the result.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._recogniser = Latest(session.jobs)
        self._recognised = ""
        self.setWindowTitle(self.tr("Import masks"))
        self.setMinimumWidth(520)
        self.folder = QLineEdit()
        self.folder.setAccessibleName(self.tr("Folder"))
        self.folder.textChanged.connect(self._recognise)
        browse = QPushButton(self.tr("Browse…"), autoDefault=False)
        browse.clicked.connect(self._browse)
        self.format = explanation()
        self.accepted_masks = QRadioButton(self.tr("Accepted masks"))
        self.accepted_masks.setChecked(True)
        self.proposals = QRadioButton(self.tr("Proposals to look through"))
        self.progress = QProgressBar(textVisible=False)
        self.progress.hide()
        self.outcome = explanation()
        self.close_button = QPushButton(self.tr("Close"), autoDefault=False)
        self.close_button.clicked.connect(self.reject)
        self.cancel_button = QPushButton(self.tr("Cancel"), autoDefault=False)
        self.cancel_button.clicked.connect(session.masks.cancel)
        self.cancel_button.hide()
        self.start = QPushButton(self.tr("Import"), default=True)
        self.start.setProperty("accent", True)
        self.start.clicked.connect(self.run)
        session.masks.changed.connect(self._follow)
        session.masks.finished.connect(self._tell)
        self._lay_out(browse)
        self._follow()

    def ask(self, path: Path) -> None:
        """Open with the masks in `path`, or show how far an import has come that still runs."""
        if not self._session.masks.running:
            self.folder.setText(str(path))
            self._recognise()
            self.outcome.setText(
                self.tr(
                    "Photos that you have corrected or accepted keep their masks. Classes go by name; those "
                    "that are missing here are added."
                )
            )
        self.open()

    def run(self) -> None:
        """Import in the job pool."""
        self.progress.show()
        self._session.masks.start(self._path, self.accepted_masks.isChecked())

    @property
    def _path(self) -> Path:
        return Path(self.folder.text()).expanduser().absolute()

    def _lay_out(self, browse: QPushButton) -> None:
        where = QHBoxLayout()
        where.addWidget(self.folder, 1)
        where.addWidget(browse)
        buttons = QHBoxLayout()
        buttons.addStretch()
        for button in (self.close_button, self.cancel_button, self.start):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        layout.addWidget(heading(self.tr("Folder")))
        layout.addLayout(where)
        layout.addWidget(self.format)
        layout.addSpacing(4)
        layout.addWidget(heading(self.tr("Import as")))
        layout.addWidget(self.accepted_masks)
        layout.addWidget(self.proposals)
        layout.addSpacing(6)
        layout.addWidget(self.progress)
        layout.addWidget(self.outcome)
        layout.addSpacing(4)
        layout.addLayout(buttons)

    def _recognise(self) -> None:
        """Say of which format the masks are; there may be none."""
        path, text = self._path, self.folder.text().strip()

        def recognise() -> str:
            from trainer.data.formats.registry import READERS, format_of

            name = format_of(path) if text else None
            return localised(READERS[name].title) if name else ""

        def recognised(title: str) -> None:
            if self.folder.text().strip() == text:
                self._recognised = title
                found = self.tr("Found: {format}").format(format=title)
                self.format.setText(found if title else self.tr("There are no masks of a known kind."))
                self._follow()

        self._recognised = ""
        self._follow()
        self._recogniser.submit(recognise, recognised, self._session.report)

    def _follow(self) -> None:
        masks = self._session.masks
        self.progress.setRange(0, masks.total)  # until they are counted it only says that something is done
        self.progress.setValue(masks.done)
        self.cancel_button.setVisible(masks.running)
        for widget in (self.folder, self.accepted_masks, self.proposals):
            widget.setEnabled(not masks.running)
        self.start.setEnabled(not masks.running and bool(self._recognised))

    def _tell(self, outcome: Imported | Exception) -> None:
        self.progress.hide()
        kind, text = self._told(outcome)
        self.outcome.setText(text)
        if not self.isVisible():
            self._session.message.emit(kind, text)

    def _told(self, outcome: Imported | Exception) -> tuple[str, str]:
        """How a message on the result is to be shown, and what it says."""
        if isinstance(outcome, Exception):
            return "error", error_text(outcome)
        text = self.tr("Masks imported: {n}.").format(n=len(outcome.images))
        if outcome.cancelled:
            text += " " + self.tr("The rest was cancelled.")
        lines = [text]
        if outcome.new_classes:
            lines.append(self.tr("New classes: {names}").format(names=", ".join(outcome.new_classes)))
        lines += map(localised, outcome.problems[:SHOWN])
        if len(outcome.problems) > SHOWN:
            more = len(outcome.problems) - SHOWN
            lines.append(self.tr("…and {n} more that had to be left out.").format(n=more))
        return "warning" if outcome.problems else "info", "\n".join(lines)

    def _browse(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, self.tr("Import from"), self.folder.text()):
            self.folder.setText(chosen)
