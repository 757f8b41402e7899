"""Proposals for the open image: a mask that follows the corrections, and tags where it has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal

from annotator.boxes import Box, box_of, rect_of
from annotator.session.document import Basis, Document, Labels
from annotator.session.jobs import Latest
from annotator.session.state import SessionState
from trainer.data.project import Target
from trainer.worker.messages import Priority

if TYPE_CHECKING:
    from trainer.engine import Proposal, Suggestion


class Answer(NamedTuple):
    """A mask that follows the corrections, and what may give a better one.

    `changed` is where it differs from `before`, the mask that was shown; none better follows a `final` one.
    """

    answers: Iterator[Labels]
    mask: Labels
    before: Labels
    changed: Box | None
    final: bool = False


class Proposals(QObject):
    """Requests proposals from the trainer thread and places them under the strokes of the open image."""

    refined = Signal()  # the mask follows every correction
    failed = Signal()  # no mask of the open image is on its way any more
    other_arrived = Signal(object)  # a proposal for the open image whose own mask stays

    def __init__(self, state: SessionState) -> None:
        super().__init__(state)
        self._state = state
        self._refiner = Latest(state.jobs)
        self._propagator = Latest(state.jobs)
        self._seeker = Latest(state.jobs)
        self._suggester = Latest(state.jobs)  # its engine serves one thread at a time
        self._begun: Document | None = None
        self._suggested_by: tuple[object, ...] = ()
        state.predictor.proposed.connect(self._proposed)
        state.predictor.failed.connect(self._not_proposed)

    @property
    def pending(self) -> bool:
        """Whether the mask of the open image is still on its way; with the models comes a proposal."""
        return self._refiner.busy or self._state.waits_for("propose") or self._state.waits_for("engine")

    def begin(self, document: Document) -> None:
        """Use the known proposal for an image just opened, or request one."""
        if self._begun is not None and self._begun.proposal is not None:
            self._begun.proposal.set_aside()
        self._begun = document
        self._refiner = Latest(self._state.jobs)  # that of the image before goes on by itself
        self._state.set_busy("refine", None)
        if proposal := self._state.predictor.known(document.id):
            self._propose(document, proposal)
            self.suggest()
        else:
            self._request(document)

    def ask(self) -> None:
        """Propose again for the open image after a change by the user; its mask follows."""
        if (document := self._state.document) is not None:
            document.release()
            self._request(document)

    def follow_models(self) -> None:
        """Ask the models that are in use now; a mask that is there stays, and theirs is offered."""
        state, document = self._state, self._state.document
        if document is None:
            return
        if document.proposal is not None and not document.proposal.fast and not state.waits_for("propose"):
            document.held = True
            if not document.accepted:
                state.predictor.ask(document.id, Priority.NEXT)
            self.suggest()
        else:
            self._request(document)

    def ask_unless_accepted(self) -> None:
        """Request a new proposal after tags, models or parameters changed; an accepted mask is kept."""
        document = self._state.document
        # The answer that an accepted image still waits for will be dropped: it is made of what was before.
        if document is not None and (not document.accepted or self._state.waits_for("propose")):
            self.ask()

    def ask_again(self) -> None:
        """Ask once more for what the open image waits for: what is on its way would be dropped."""
        document = self._state.document
        if document is not None and self._state.waits_for("propose"):
            self._request(document)

    def _request(self, document: Document) -> None:
        state = self._state
        if state.worker is None:
            return
        state.set_busy("propose", self.tr("Proposing a mask…"))
        state.predictor.ask(document.id)
        self.suggest()

    def catch_up(self) -> None:
        """Let the mask of an image that is open again follow all that changed while it was accepted."""
        self.refine()
        document = self._state.document
        if document is not None and self._state.predictor.known(document.id) is not document.proposal:
            self.ask()

    def refine(self) -> None:
        """Update the mask to the corrections; an accepted mask is kept."""
        state, document, project = self._state, self._state.document, self._state.project
        if document is None or project is None or document.proposal is None or document.accepted:
            return
        refiner = self._refiner
        settled = document.preview is None and not document.proposal.fast
        state.set_busy("refine", self.tr("Following your stroke…"))

        def follow(answers: Iterator[Labels] | None, mask: Labels | None) -> Answer:
            answers = answers or document.answers(document.preview_corrections())
            better, before = next(answers, None), document.base_mask
            if mask is not None and better is None:
                return Answer(answers, mask, before, None, final=True)
            assert better is not None
            return Answer(answers, better, before, box_of(better != before))

        def arrived(answer: Answer) -> None:
            latest, shown = not refiner.busy, state.document is document
            if latest and not answer.final:
                refiner.submit(lambda: follow(answer.answers, answer.mask), arrived, refused)
            over = latest and answer.final
            if over and shown:
                state.set_busy("refine", None)
            if document.accepted or state.project is not project:
                return
            if settled and over:  # also of an image that was left in a hurry
                self.keep_mask(document, answer.mask)
            if not shown:
                return
            show(answer)
            if over:
                self.refined.emit()
                if settled:
                    self._propagate(document)

        def show(answer: Answer) -> None:
            # Another mask may have come since the difference was found.
            changed = answer.changed if document.base_mask is answer.before else document.whole
            document.base_mask = answer.mask
            if changed is not None:
                document.compose(changed, [Target.MASK])
                state.layer_changed.emit("mask", rect_of(changed))

        def refused(error: Exception) -> None:
            if state.document is document:
                state.set_busy("refine", None)
                self.failed.emit()
            state.report(error)

        refiner.submit(lambda: follow(None, None), arrived, refused)

    def _propagate(self, document: Document) -> None:
        """Let the propagated mask follow the strokes; the final one does not wait for it."""
        proposal = document.proposal
        assert proposal is not None

        def arrived(mask: Labels) -> None:
            if self._state.document is document and document.proposal is proposal:
                document.propagated = mask
                self._state.layer_changed.emit("propagated", rect_of(document.whole))

        self._propagator.submit(
            lambda: proposal.propagate(document.image, document.corrections), arrived, self._state.report
        )

    def suggest(self) -> None:
        """Find tags that the open image may deserve, where nobody has tagged it."""
        state, document, record = self._state, self._state.document, self._state.record
        if document is None or record is None or record.tagged:
            return

        networks = state.predictor.suggesting
        if networks != self._suggested_by:
            self.forget_suggestions()

        def suggested(result: list[Suggestion]) -> None:
            if networks != state.predictor.suggesting:
                return
            if state.document is document and state.record is not None and not state.record.tagged:
                self._suggested_by = networks
                document.suggestions = tuple(result)
                state.suggestions_changed.emit()

        self._suggester.submit(lambda: state.predictor.suggest_tags(document.image), suggested, state.report)

    def forget_suggestions(self) -> None:
        """Show no tags that models suggest which are in use no longer."""
        document = self._state.document
        if document is not None and document.suggestions:
            document.suggestions = ()
            self._state.suggestions_changed.emit()

    def _proposed(self, image_id: str, proposal: Proposal) -> None:
        self._state.reload_record(image_id)
        document = self._state.document
        if document is not None and document.id == image_id:
            self._propose(document, proposal)

    def _not_proposed(self, image_id: str, reason: str) -> None:
        if image_id == self._state.image_id:
            self._state.set_busy("propose", None)
            self.failed.emit()
            self._state.message.emit("error", reason)

    def _propose(self, document: Document, proposal: Proposal) -> None:
        """Lay a proposal under the strokes, unless the image holds what it has."""
        if not proposal.fast:
            self._state.set_busy("propose", None)
        if document.held and document.proposal is not None and not document.proposal.fast:
            if proposal.fast or document.accepted:
                return
            self.keep_mask(document, document.base_mask)  # the trainer has kept its own
        else:
            self.use(document, Basis(proposal, document.kept))
        if document.held and not proposal.fast:
            self.other_arrived.emit(proposal)

    def use(self, document: Document, basis: Basis) -> None:
        """Let the mask of the open image, its CAMs and seed cues come from `basis`."""
        state, proposal = self._state, basis.proposal
        document.adopt(basis)
        if state.cam_class not in proposal.classes:
            state.cam_class = proposal.classes[0] if proposal.classes else 0
        document.compose(document.whole)
        state.proposal_changed.emit()
        state.layer_changed.emit("cam", rect_of(document.whole))
        self._show_seeds(document, proposal)
        self.refine()

    def _show_seeds(self, document: Document, proposal: Proposal) -> None:
        """Show the automatic seed cues of a proposal as soon as they are found; the mask is there before."""

        def found(seeds: Labels) -> None:
            if self._state.document is document and document.proposal is proposal:
                document.auto_seeds = seeds
                document.compose(document.whole, [Target.SEEDS])
                self._state.layer_changed.emit("seeds", rect_of(document.whole))

        self._seeker.submit(lambda: proposal.seeds, found, self._state.report)

    def keep_mask(self, document: Document, mask: Labels) -> None:
        """Keep the refined proposal for the next time the image is opened, and for the export."""
        project, state = self._state.project, self._state
        if project is None:
            return

        def keep() -> None:
            # One that was imported since it was opened has another mask by now.
            if document.imported or not project.is_imported(document.id):
                project.store_proposal_mask(document.id, mask)

        state.writer.submit(keep, failed=state.report)
