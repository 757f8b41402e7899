"""What a person says is in the open image, and the classes there are to say it with."""

from collections.abc import Iterable

from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.errors import UserError


class Tagging:
    """Sets tags and adds classes."""

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        self._state, self._proposals = state, proposals

    def set_tags(self, names: Iterable[str]) -> None:
        """Say what is in the open image; a new proposal follows."""
        state, document = self._state, self._state.document
        if document is None or state.project is None:
            return
        tags = tuple(dict.fromkeys(names))
        try:
            state.project.set_tags(document.id, tags)
        except UserError as error:
            state.report(error)
            return
        # What else was suggested may be in the picture as well, unless nothing is.
        document.suggestions = tuple(s for s in document.suggestions if tags and s.name not in tags)
        state.reload_record(document.id)
        state.suggestions_changed.emit()
        self._proposals.ask_unless_accepted()

    def add_class(self, name: str) -> int:
        """Add a class to the project; its id. Raises DataError for a name that cannot be used."""
        assert self._state.project is not None
        class_id = self._state.project.add_class(name)
        self._state.classes_changed.emit()
        return class_id
