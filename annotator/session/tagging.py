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

    def add_class(self, name: str) -> int:
        """Add a class to the project; its id. Raises DataError for a name that cannot be used."""
        assert self._state.project is not None
        class_id = self._state.project.add_class(name)
        self._state.classes_changed.emit()
        return class_id
