"""Tags of the open image, and the classes of the project."""

from collections.abc import Callable, Iterable

from annotator.session.document import Document
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.errors import UserError


class Tagging:
    """Sets tags and adds classes."""

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        self._state, self._proposals = state, proposals

    def set_tags(self, names: Iterable[str] | None) -> None:
        """Say what is in the open image: nothing of the list without names, None that nobody knows yet.

        A new proposal follows.
        """
        state, document = self._state, self._state.document
        if document is None or state.project is None:
            return
        tags = None if names is None else tuple(dict.fromkeys(names))
        try:
            for name in tags or ():
                state.classes.id_of(name)
        except UserError as error:
            state.report(error)
            return
        # What else was suggested may be in the picture as well, unless nothing is.
        document.suggestions = tuple(s for s in document.suggestions if tags and s.name not in tags)
        state.write_tags(document.id, tags, self._propose_for(document))
        state.suggestions_changed.emit()

    def _propose_for(self, document: Document) -> Callable[[], None]:
        def propose() -> None:
            if self._state.document is document:
                self._proposals.ask_unless_accepted()

        return propose

    def add_class(
        self, name: str, added: Callable[[int], object], failed: Callable[[Exception], object]
    ) -> None:
        """Add a class to the project; then `added` is called with its id, or `failed` with the reason."""
        state, project = self._state, self._state.project
        assert project is not None

        def written(class_id: int) -> None:
            if state.project is project:
                state.renew_classes()
                added(class_id)

        state.writer.submit(lambda: project.add_class(name), written, failed)
