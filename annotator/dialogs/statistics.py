"""Figures of the project: what the accepted masks hold of each class, and the work; as a page, too."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QDesktopServices, QIcon
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator.class_colours import class_colour
from annotator.session import Session
from annotator.widgets import explanation, heading, swatch
from trainer.data.project import Project, Status

if TYPE_CHECKING:
    # Imports SciPy and the like: that is done in the pool, the window does not wait.
    from trainer.data.statistics import ClassFigures, Statistics, WorkFigures

RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class StatisticsDialog(QDialog):
    """Counts in the job pool, then shows the figures; they are those of the moment it was opened."""

    _advanced = Signal()

    def __init__(self, session: Session, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._project = session, project
        self._cancel = Event()
        self.statistics: Statistics | None = None
        self.setWindowTitle(self.tr("Statistics"))
        self.resize(660, 560)
        self.classes = QTreeWidget(columnCount=6)
        self.classes.setHeaderLabels(
            [
                self.tr("Class"),
                self.tr("Photos tagged"),
                self.tr("Photos accepted"),
                self.tr("Objects"),
                self.tr("Pixels"),
                self.tr("Share"),
            ]
        )
        self.classes.setAccessibleName(self.tr("Figures of each class"))
        self.classes.setRootIsDecorated(False)
        self.classes.setUniformRowHeights(True)
        self.classes.setIconSize(QSize(12, 12))
        header = self.classes.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, 6):
            self.classes.headerItem().setTextAlignment(column, RIGHT)
        self._work = QGridLayout()
        self._work.setHorizontalSpacing(14)
        self._work.setVerticalSpacing(5)
        for column in (1, 3):
            self._work.setColumnStretch(column, 1)
        self.progress = QProgressBar(textVisible=False)
        accepted = sum(record.status is Status.ACCEPTED for record in session.records.values())
        self.progress.setRange(0, accepted)
        self._advanced.connect(lambda: self.progress.setValue(self.progress.value() + 1))
        self.write = QPushButton(self.tr("Write report…"), autoDefault=False)
        self.write.setToolTip(
            self.tr("An HTML page with these figures and pictures, as main.py report writes it.")
        )
        self.write.setEnabled(False)
        self.write.clicked.connect(self._ask)
        close = QPushButton(self.tr("Close"), autoDefault=False)
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.write)
        buttons.addStretch()
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(9)
        layout.addWidget(heading(self.tr("The accepted masks, class by class")))
        layout.addWidget(self.classes, 1)
        layout.addWidget(
            explanation(
                self.tr("An object is a connected area, or what you made of it with the Objects tool.")
            )
        )
        layout.addSpacing(4)
        layout.addWidget(heading(self.tr("The work")))
        layout.addLayout(self._work)
        layout.addWidget(
            explanation(
                self.tr(
                    "Medians of the accepted photos; pauses of a minute or more are left out of the time."
                )
            )
        )
        layout.addWidget(self.progress)
        layout.addSpacing(4)
        layout.addLayout(buttons)
        self._count()

    def done(self, result: int) -> None:
        """Stop counting."""
        self._cancel.set()
        super().done(result)

    def write_to(self, folder: Path) -> None:
        """Write the report into a folder, in the job pool; the session tells where it is."""
        session, project, statistics = self._session, self._project, self.statistics
        assert statistics is not None

        def work() -> Path:
            from trainer.pipeline.project_report import write_project_report

            return write_project_report(project, statistics, folder)

        def written(page: Path) -> None:
            self.write.setEnabled(True)
            session.message.emit("info", self.tr("The report is written: {file}").format(file=page))
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

        def failed(error: Exception) -> None:
            self.write.setEnabled(True)
            session.report(error)

        self.write.setEnabled(False)
        session.jobs.submit(work, written, failed)

    def _count(self) -> None:
        session, project, cancel = self._session, self._project, self._cancel

        def work() -> Statistics:
            from trainer.data.statistics import project_statistics

            return project_statistics(
                project,
                lambda image_id: self._advanced.emit(),
                lambda: cancel.is_set() or session.jobs.closed,
            )

        session.jobs.submit(work, self._show, self._refused)

    def _refused(self, error: Exception) -> None:
        if not self._cancel.is_set():
            self.progress.hide()
            self._session.report(error)

    def _show(self, statistics: Statistics) -> None:
        if self._cancel.is_set():
            return
        self.statistics = statistics
        self.progress.hide()
        self.write.setEnabled(True)
        # Of a long list few classes are in use: they come first.
        for figures in sorted(statistics.classes, key=lambda one: not (one.tagged or one.accepted)):
            self.classes.addTopLevelItem(self._row(figures))
        self._show_work(statistics.work)

    def _row(self, figures: ClassFigures) -> QTreeWidgetItem:
        item = QTreeWidgetItem(
            [
                figures.name,
                f"{figures.tagged:,}",
                f"{figures.accepted:,}",
                f"{figures.objects:,}",
                f"{figures.pixels:,}",
                f"{figures.share:.1%}",
            ]
        )
        colour = QColor(*class_colour(self._project.classes.id_of(figures.name)))
        item.setIcon(0, QIcon(swatch(colour, 12, self.devicePixelRatioF())))
        for column in range(1, 6):
            item.setTextAlignment(column, RIGHT)
        return item

    def _show_work(self, work: WorkFigures) -> None:
        strokes = "–" if work.strokes_a_photo is None else f"{work.strokes_a_photo:g}"
        rows = (
            (self.tr("Photos"), f"{work.photos:,}"),
            (self.tr("Tagged"), f"{work.tagged:,}"),
            (self.tr("Accepted"), f"{work.accepted:,}"),
            (self.tr("Corrected, not accepted"), f"{work.corrected:,}"),
            (self.tr("Proposed, untouched"), f"{work.proposed:,}"),
            (self.tr("Flagged"), f"{work.flagged:,}"),
            (self.tr("Rejected"), f"{work.rejected:,}"),
            (self.tr("Strokes in accepted photos"), f"{work.strokes:,}"),
            (self.tr("Strokes a photo"), strokes),
            (self.tr("Time a photo"), self._time(work.seconds_a_photo)),
        )
        half = (len(rows) + 1) // 2
        for place, (name, value) in enumerate(rows):
            row, column = place % half, 2 * (place // half)
            label, figure = QLabel(name), QLabel(value)
            label.setProperty("muted", True)
            figure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._work.addWidget(label, row, column)
            self._work.addWidget(figure, row, column + 1)

    def _time(self, seconds: float | None) -> str:
        if seconds is None:
            return "–"
        if seconds < 100:
            return self.tr("{n} s").format(n=round(seconds))
        return self.tr("{n} min").format(n=f"{seconds / 60:.1f}")

    def _ask(self) -> None:
        root = self._project.root
        if chosen := QFileDialog.getExistingDirectory(
            self, self.tr("Write the report into"), str(root.parent)
        ):
            self.write_to(Path(chosen) / f"{root.name}-report")
