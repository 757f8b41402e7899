"""Importing masks that other programs made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QRadioButton, QWidget

from annotator.dialogs.transfer import TransferDialog
from annotator.i18n import error_text, localised
from annotator.session import Session
from annotator.session.jobs import Latest
from annotator.widgets import explanation

if TYPE_CHECKING:
    # The formats import scikit-image: that is done in the pool, the window does not wait.
    from trainer.data.import_masks import Imported


class ImportDialog(TransferDialog):
    """Choice of a folder or file, and of what its masks become; then progress and result."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setWindowTitle(self.tr("Import masks"))
        self.start.setText(self.tr("Import"))
        self.folder_title = self.tr("Import from")
        self._recogniser = Latest(session.jobs)
        self._recognised = ""
        self.folder.textChanged.connect(self._recognise)
        self.format = explanation()
        self.accepted_masks = QRadioButton(self.tr("Accepted masks"))
        self.accepted_masks.setChecked(True)
        self.proposals = QRadioButton(self.tr("Proposals to look through"))
        self.cancel_button.clicked.connect(session.masks.cancel)
        self.start.clicked.connect(self.run)
        session.masks.changed.connect(self._follow)
        session.masks.finished.connect(self._tell)
        self.lay_out(
            (
                (self.tr("Folder"), (self.folder, self.format)),
                (self.tr("Import as"), (self.accepted_masks, self.proposals)),
            )
        )
        self._follow()

    def ask(self, path: Path) -> None:
        """Open with the masks in `path`, or show how far an import has come that still runs."""
        if not self.session.masks.running:
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
        self.session.masks.start(self.path, self.accepted_masks.isChecked())

    def _recognise(self) -> None:
        """Say of which format the masks are; there may be none."""
        path, text = self.path, self.folder.text().strip()

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
        self._recogniser.submit(recognise, recognised, self.session.report)

    def _follow(self) -> None:
        masks = self.session.masks
        self.progress.setRange(0, masks.total)  # until they are counted it only says that something is done
        self.progress.setValue(masks.done)
        self.show_running(masks.running, (self.accepted_masks, self.proposals))
        self.start.setEnabled(not masks.running and bool(self._recognised))

    def _tell(self, outcome: Imported | Exception) -> None:
        self.progress.hide()
        self.tell(*self._told(outcome))

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
        lines += self.told(outcome.problems)
        return "warning" if outcome.problems else "info", "\n".join(lines)
