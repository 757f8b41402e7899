"""Exporting masks as a data set."""

from contextlib import closing, nullcontext
from pathlib import Path
from threading import Event

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
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
from annotator.widgets import ComboBox, explanation, heading
from trainer.data.export import export_project
from trainer.data.formats.registry import WRITERS
from trainer.data.project import Project, Status
from trainer.errors import Cancelled


class ExportDialog(QDialog):
    """Choice of format, folder and images; then progress and result.

    An export continues when the dialog is closed; the session then reports the result.
    """

    finished_export = Signal()
    _done_with = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.project is not None
        self._session, self._project = session, session.project
        self._cancel = Event()
        self._out = Path()
        self._exported = 0
        self.running = False
        self.setWindowTitle(self.tr("Export data set"))
        self.setMinimumWidth(520)
        self.format = ComboBox()
        self.format.setAccessibleName(self.tr("Format"))
        for name, writer in WRITERS.items():
            self.format.addItem(localised(writer.title), name)
        self.format.currentIndexChanged.connect(self._follow_format)
        self._suggested = ""
        self.folder = QLineEdit()
        self.folder.setAccessibleName(self.tr("Folder"))
        self.folder.textChanged.connect(self._show_choice)
        browse = QPushButton(self.tr("Browse…"), autoDefault=False)
        browse.clicked.connect(self._browse)
        self.only_accepted, self.everything = QRadioButton(), QRadioButton()
        (self.only_accepted if self._count(accepted_only=True) else self.everything).setChecked(True)
        self.only_accepted.toggled.connect(self._show_choice)
        self.force = QCheckBox(self.tr("Write into a folder that holds other files"))
        self.progress = QProgressBar(textVisible=False)
        self.progress.hide()
        self.outcome = explanation()
        self.open_button = QPushButton(self.tr("Open folder"), autoDefault=False)
        self.open_button.clicked.connect(self._show_folder)
        self.open_button.hide()
        self.close_button = QPushButton(self.tr("Close"), autoDefault=False)
        self.close_button.clicked.connect(self.reject)
        self.cancel_button = QPushButton(self.tr("Cancel"), autoDefault=False)
        self.cancel_button.clicked.connect(self._cancel.set)
        self.cancel_button.hide()
        self.start = QPushButton(self.tr("Export"), default=True)
        self.start.setProperty("accent", True)
        self.start.clicked.connect(self.run)
        self._done_with.connect(self._advance)
        session.record_changed.connect(self._show_choice)
        self._follow_format()
        self._show_choice()
        where = QHBoxLayout()
        where.addWidget(self.folder, 1)
        where.addWidget(browse)
        buttons = QHBoxLayout()
        buttons.addWidget(self.open_button)
        buttons.addStretch()
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        layout.addWidget(heading(self.tr("Format")))
        layout.addWidget(self.format)
        layout.addSpacing(4)
        layout.addWidget(heading(self.tr("Folder")))
        layout.addLayout(where)
        layout.addWidget(self.force)
        layout.addSpacing(4)
        layout.addWidget(heading(self.tr("Images")))
        layout.addWidget(self.only_accepted)
        layout.addWidget(self.everything)
        layout.addSpacing(6)
        layout.addWidget(self.progress)
        layout.addWidget(self.outcome)
        layout.addSpacing(4)
        layout.addLayout(buttons)

    def run(self) -> None:
        """Export in the job pool."""
        opened, file = self._project, self._project.file
        out = Path(self.folder.text()).expanduser().absolute()
        writer = WRITERS[self.format.currentData()]
        self._out, self._exported = out, 0
        accepted_only, force = self.only_accepted.isChecked(), self.force.isChecked()
        jobs, cancel = self._session.jobs, self._cancel
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
        statuses = [record.status for record in self._session.records.values()]
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
        lines = [self.tr("Images exported: {n}").format(n=self._exported), *map(localised, problems[:5])]
        if len(problems) > 5:
            lines.append(self.tr("…and {n} more that had to be left out.").format(n=len(problems) - 5))
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
        self.outcome.setText(outcome)
        if not self.isVisible():
            self._session.message.emit(kind, outcome)
        self.finished_export.emit()

    def _busy(self, busy: bool) -> None:
        self.running = busy
        self.cancel_button.setVisible(busy)
        for widget in (self.format, self.folder, self.only_accepted, self.everything, self.force):
            widget.setEnabled(not busy)
        self._show_choice()
        self.progress.setVisible(True)

    def _browse(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self, self.tr("Export into"), self.folder.text()):
            self.folder.setText(chosen)

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._out)))
