"""The photos of the open project's folder: those that came since, and those that are gone."""

from PySide6.QtCore import QObject

from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.data.project import Changes, ImageRecord, Project


class Rescan(QObject):
    """Looks for new photos and reports what was found, also after a project was opened."""

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        super().__init__(state)
        self._state, self._proposals = state, proposals
        self._looking: Project | None = None
        state.project_opened.connect(self._tell_of_opening)

    def look(self) -> None:
        """Look for new photos in the job pool."""
        state, project = self._state, self._state.project
        if project is None or self._looking is project:
            return
        self._looking = project

        def found(records: list[ImageRecord]) -> None:
            if state.project is project:
                self._looking = None
                state.take_in(records)
                self._follow_tags(project.changes.tagged)
                self._tell(project, self.tr("There are no new photos."))

        def refused(error: Exception) -> None:
            if state.project is project:
                self._looking = None
                state.report(error)

        def look() -> list[ImageRecord]:
            project.rescan()
            return project.images()

        state.jobs.submit(look, found, refused)

    def _follow_tags(self, images: tuple[str, ...]) -> None:
        """Show the tags that were found for images that had none, and propose for the open one again."""
        state = self._state
        for image_id in images:
            state.reload_record(image_id)
        if state.document is not None and state.document.id in images:
            state.document.suggestions = ()
            state.suggestions_changed.emit()
            self._proposals.ask_unless_accepted()

    def _tell_of_opening(self) -> None:
        assert self._state.project is not None
        self._tell(self._state.project)

    def _tell(self, project: Project, otherwise: str = "") -> None:
        changes, problems = project.changes, project.problems
        text = otherwise
        if changes != Changes():
            text = self.tr("New photos: {new}. No longer in the folder: {gone}.").format(
                new=changes.new, gone=changes.gone
            )
        if changes.tagged:
            more = self.tr("Newly tagged from the lists in the folder: {n}.").format(n=len(changes.tagged))
            text = f"{text} {more}"
        if text:
            self._state.message.emit("info", text)
        self._state.warn(problems)
