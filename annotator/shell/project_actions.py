"""The actions on projects: open, import and export, back up and restore, weights, classes, statistics."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from annotator.actions import spec_of, translated
from annotator.dialogs.classes import ClassesDialog
from annotator.dialogs.import_masks import ImportDialog
from annotator.panels.tags import TagsPanel
from annotator.session import Session
from annotator.session.mask_import import MasksFound
from annotator.session.models import WEIGHTS
from annotator.shell.messagebar import MessageBar
from trainer.data.sample import build_sample, sample_folder

if TYPE_CHECKING:
    from annotator.dialogs.export import ExportDialog


class ProjectActions(QObject):
    """Asks for files and shows dialogs over `window`; the session does the work."""

    def __init__(self, session: Session, tags: TagsPanel, messages: MessageBar, window: QWidget) -> None:
        super().__init__(window)
        self.session, self._tags, self._messages, self._window = session, tags, messages, window
        self.export_dialog: ExportDialog | None = None
        self.import_dialog = ImportDialog(session, window)
        self._sample: Path | None = None
        session.project_opened.connect(self._propose_for_the_sample)
        session.masks.found.connect(self._offer_masks)

    def open_path(self, path: Path) -> None:
        """Open a folder of images or a project file."""
        self._messages.clear()
        self.session.open_project(path)

    def open_folder(self) -> None:
        """Ask for a folder of photos and open it."""
        if folder := QFileDialog.getExistingDirectory(
            self._window, self.tr("Open a folder of photos or a VOC data set")
        ):
            self.open_path(Path(folder))

    def open_project_file(self) -> None:
        """Ask for a project file and open it."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Open a project"), "", self.tr("Projects (*.sqlite)")
        )
        if name:
            self.open_path(Path(name))

    def open_sample(self) -> None:
        """Open the sample photos, which are copied to the user's data first."""
        self._sample = sample_folder()
        self._messages.clear()
        self.session.open_project(self._sample, build_sample)

    def _propose_for_the_sample(self) -> None:
        """Propose for all sample photos at once: whoever tries the program out looks at each of them."""
        project = self.session.project
        if project is not None and project.root == self._sample:
            self.session.propose_all.start()

    def import_masks(self, path: Path | None = None) -> None:
        """Ask which masks to import, those in `path` first; or show how far an import has come."""
        if (project := self.session.project) is not None and self.session.may_leave():
            self.import_dialog.ask(path or project.root)

    def export(self) -> None:
        """Export the project's masks, or show how far an export has come that still runs."""
        if self.session.project is None or not self.session.may_leave():
            return
        # Its formats import SciPy, which the window does not wait for.
        from annotator.dialogs.export import ExportDialog

        if self.export_dialog is None or not self.export_dialog.running:
            self.export_dialog = ExportDialog(self.session, self._window)
        self.export_dialog.open()

    def show_statistics(self) -> None:
        """Show the figures of the project."""
        from annotator.dialogs.statistics import StatisticsDialog

        if (project := self.session.project) is not None and self.session.may_leave():
            dialog = StatisticsDialog(self.session, project, self._window)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    def back_up(self) -> None:
        """Ask for a file, and write the project into it."""
        if (project := self.session.project) is None or not self.session.may_leave():
            return
        alone, whole = self.tr("Project (*.zip)"), self.tr("Project with its photos (*.zip)")
        suggested = project.root.parent / f"{project.root.name}.zip"
        name, kind = QFileDialog.getSaveFileName(
            self._window, self.tr("Back up project"), str(suggested), f"{alone};;{whole}"
        )
        if name:
            file = Path(name)
            self.session.backup.start(file if file.suffix else file.with_suffix(".zip"), kind == whole)

    def restore(self) -> None:
        """Ask for a backup and for the folder of its photos, and open what was restored there."""
        if not self.session.may_leave():
            return
        name, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Restore a backup"), "", self.tr("Backups (*.zip)")
        )
        if not name:
            return
        title = self.tr("Restore into the folder of its photos, or an empty one")
        if folder := QFileDialog.getExistingDirectory(self._window, title, str(Path(name).parent)):
            self.session.backup.restore(Path(name), Path(folder))

    def choose_weights(self) -> None:
        """Choose the weights that the open project begins with."""
        from annotator.dialogs.weights import WeightsDialog  # imports torch: the window does not wait

        if (project := self.session.project) is not None:
            dialog = WeightsDialog(self.session.jobs, project.setting(WEIGHTS, ""), self._window)
            dialog.chosen.connect(self.session.models.choose)
            dialog.open()

    def edit_classes(self, name: str = "") -> None:
        """Show the class list, with `name` ready to be added."""
        if self.session.project is not None:
            dialog = ClassesDialog(self.session, name, self._window)
            if name:
                dialog.added.connect(self._tags.add)
            dialog.open()

    def tell_saved(self) -> None:
        """Write what is not on disk yet, and say that it is."""
        session = self.session
        if session.project is not None and session.may_leave():
            said = self.tr(
                "Everything is on disk: strokes, tags and masks are written to {file} as you make them."
            )
            never = self.tr("Nothing can be kept here: {file} cannot be written. Export what you need.")
            text = never if session.read_only else said
            self._messages.show_message("info", text.format(file=session.project.file))

    def _offer_masks(self, masks: MasksFound) -> None:
        text = self.tr("There are masks beside these photos: {format}.").format(format=masks.title)
        choose = translated(spec_of("import_masks").text), lambda: self.import_masks(masks.path)
        self._messages.show_message("info", text, choose)
