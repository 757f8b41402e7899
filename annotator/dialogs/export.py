"""Exporting masks as a data set."""

from contextlib import closing, nullcontext
from pathlib import Path
from threading import Event

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QPushButton, QRadioButton, QWidget

from annotator.dialogs.transfer import TransferDialog
from annotator.i18n import error_text, localised
from annotator.session import Session
from annotator.widgets import ComboBox
from trainer.data.export import export_project
from trainer.data.formats.registry import WRITERS
from trainer.data.project import Project, Status
from trainer.errors import Cancelled


class ExportDialog(TransferDialog):
    """Choice of format, folder and images; then progress and result."""

    finished_export = Signal()
    _done_with = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setWindowTitle(self.tr("Export data set"))
        self.start.setText(self.tr("Export"))
        self.folder_title = self.tr("Export into")
        assert session.project is not None
        self._project = session.project
        self._cancel = Event()
        self._out = Path()
        self._exported = 0
        self.running = False
        self.format = ComboBox()
        self.format.setAccessibleName(self.tr("Format"))
        for name, writer in WRITERS.items():
            self.format.addItem(localised(writer.title), name)
        self.format.currentIndexChanged.connect(self._follow_format)
        self._suggested = ""
        self.folder.textChanged.connect(self._show_choice)
        self.only_accepted, self.everything = QRadioButton(), QRadioButton()
        (self.only_accepted if self._count(accepted_only=True) else self.everything).setChecked(True)
        self.only_accepted.toggled.connect(self._show_choice)
        self.force = QCheckBox(self.tr("Write into a folder that holds other files"))
        self.open_button = QPushButton(self.tr("Open folder"), autoDefault=False)
        self.open_button.clicked.connect(self._show_folder)
        self.open_button.hide()
        self.cancel_button.clicked.connect(self._cancel.set)
        self.start.clicked.connect(self.run)
        self._done_with.connect(self._advance)
        session.record_changed.connect(self._show_choice)
        self._follow_format()
        self._show_choice()
        self.lay_out(
            (
                (self.tr("Format"), (self.format,)),
                (self.tr("Folder"), (self.folder, self.force)),
                (self.tr("Images"), (self.only_accepted, self.everything)),
            ),
            beside=(self.open_button,),
        )

    def run(self) -> None:
        """Export in the job pool."""
        opened, file, out = self._project, self._project.file, self.path
        writer = WRITERS[self.format.currentData()]
        self._out, self._exported = out, 0
        accepted_only, force = self.only_accepted.isChecked(), self.force.isChecked()
        jobs, cancel = self.session.jobs, self._cancel
        cancel.clear()
        self._busy(True)
        self.progress.setRange(0, max(self._count(accepted_only), 1))
        self.progress.setValue(0)

        def export() -> list[str]:
            # Read on its own: another project may be opened meanwhile. What cannot be kept is here alone.
            with (
                nullcontext(opened)
                if opened.read_only
                else closing(Project.open(file, reading=True)) as project
            ):
                return export_project(
                    project,
                    writer,
                    out,
                    accepted_only,
                    force,
                    self._done_with.emit,
                    lambda: cancel.is_set() or jobs.closed,
                )

        jobs.submit(export, self._succeeded, self._failed)

    def _follow_format(self) -> None:
        """Say what the chosen format writes, and suggest a folder unless one was chosen already."""
        name, root = self.format.currentData(), self._project.root
        self.outcome.setText(localised(WRITERS[name].contents))
        if self.folder.text() == self._suggested:
            self._suggested = str(root.parent / f"{root.name}-{name}")
            self.folder.setText(self._suggested)

    def _count(self, accepted_only: bool) -> int:
        statuses = [record.status for record in self.session.records.values()]
        return (
            statuses.count(Status.ACCEPTED) if accepted_only else len(statuses) - statuses.count(Status.NEW)
        )

    def _show_choice(self) -> None:
        accepted, with_mask = self._count(accepted_only=True), self._count(accepted_only=False)
        self.only_accepted.setText(self.tr("Accepted images ({n})").format(n=accepted))
        self.everything.setText(self.tr("All images that have a mask ({n})").format(n=with_mask))
        chosen = accepted if self.only_accepted.isChecked() else with_mask
        self.start.setEnabled(not self.running and chosen > 0 and bool(self.folder.text().strip()))

    def _advance(self, image_id: str) -> None:
        self._exported += 1
        self.progress.setValue(min(self._exported, self.progress.maximum()))

    def _succeeded(self, problems: list[str]) -> None:
        self._busy(False)
        lines = [self.tr("Images exported: {n}").format(n=self._exported), *self.told(problems)]
        self.open_button.show()
        self._tell("\n".join(lines), "warning" if problems else "info")

    def _failed(self, error: Exception) -> None:
        self._busy(False)
        self.progress.hide()
        if isinstance(error, Cancelled):
            self._tell(self.tr("The export was cancelled; nothing was written."), "info")
        else:
            self._tell(error_text(error), "error")

    def _tell(self, outcome: str, kind: str) -> None:
        self.tell(kind, outcome)
        self.finished_export.emit()

    def _busy(self, busy: bool) -> None:
        self.running = busy
        self.show_running(busy, (self.format, self.only_accepted, self.everything, self.force))
        self._show_choice()
        self.progress.setVisible(True)

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._out)))
