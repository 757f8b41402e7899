"""What models that came later would say of the open image, whose mask they leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from annotator.boxes import rect_of
from annotator.session.document import Basis, Labels
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState

if TYPE_CHECKING:
    from trainer.engine import Proposal


class Offer(QObject):
    """Another mask for the open image, to be looked at, and taken if the person wants it."""

    changed = Signal()  # there is one, or no longer

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        super().__init__(state)
        self._state, self._proposals = state, proposals
        self._looking = False
        proposals.other_arrived.connect(self._consider)
        state.image_changed.connect(self.changed)
        state.proposal_changed.connect(self.changed)

    @property
    def stands(self) -> bool:
        """Whether there is another mask for the open image."""
        document = self._state.document
        return document is not None and document.offered is not None

    def look(self, on: bool) -> None:
        """Show the other mask, as it is under the present strokes, while `on`; nothing else changes."""
        state, document = self._state, self._state.document
        self._looking = on
        if document is None:
            return
        if not on:
            document.looked_at = None
            state.layer_changed.emit("mask", rect_of(document.whole))
        elif (offered := document.offered) is not None:
            corrections = document.corrections.copy()

            def arrived(mask: Labels) -> None:
                if self._looking and state.document is document:
                    document.looked_at = document.finished(mask)
                    state.layer_changed.emit("mask", rect_of(document.whole))

            state.jobs.submit(lambda: offered.mask(corrections), arrived, state.report, priority=10)

    def take(self) -> None:
        """Put the other mask in the place of the present one, which is then offered: taking it is undo."""
        document, project = self._state.document, self._state.project
        if document is None or document.offered is None or not self._state.may_leave():
            return
        offered, document.offered = document.offered, document.basis
        document.kept, document.held = offered.kept, True
        if document.imported and project is not None:
            used = offered.kept is not None
            self._state.writer.submit(
                lambda: project.use_import(document.id, used), failed=self._state.report
            )
        self._proposals.use(document, offered)

    def _consider(self, proposal: Proposal) -> None:
        """Offer a proposal where it differs from what is shown."""
        state, document = self._state, self._state.document
        if document is None or document.accepted:
            return
        basis, corrections = Basis(proposal), document.corrections.copy()
        compared = document.basis

        def arrived(differs: bool) -> None:
            if state.document is document and document.held and document.basis is compared:
                document.offered = basis if differs else None
                self.changed.emit()

        def differs() -> bool:
            return bool((basis.mask(corrections) != document.refined(corrections)).any())

        state.jobs.submit(differs, arrived, state.report)
