"""Storing proposals in the project, and explaining failed ones."""

from __future__ import annotations

import logging

from trainer.data.classes import UNTOUCHED
from trainer.data.project import ImageRecord, Project, Target
from trainer.errors import UserError
from trainer.proposal import Proposal
from trainer.translatable import error_message

log = logging.getLogger(__name__)


def store_proposal(project: Project, record: ImageRecord, proposal: Proposal, origin: str) -> None:
    """Keep the mask as the desk would show it, refined by the strokes that are on the image; and its margin.

    What strokes alone show is a mask to be kept, and no proposal that would outlast them. None takes the
    place of that of an image a person has corrected or accepted.

    `record` is as it was when the proposal was begun, `origin` that of the engine then.
    """
    corrections = project.layer(record.id, Target.SEEDS, proposal.mask.shape)
    painted = (corrections != UNTOUCHED).any()
    mask = proposal.refine(corrections) if painted else proposal.mask
    # Of an image painted on meanwhile the desk keeps a later mask itself.
    now = project.record(record.id)
    replaceable = now.untouched and not project.is_imported(record.id)
    if now.seed_revision == record.seed_revision and (
        replaceable or project.proposal_mask(record.id) is None
    ):
        project.store_proposal_mask(record.id, mask)
    if record.tagged or proposal.mask.any():
        project.note_proposal(record.id, proposal.margin, origin)


def failure_reason(image: str, error: Exception) -> str:
    """Return one sentence on why there is no proposal for an image; a fault of the program is also logged."""
    if isinstance(error, UserError):
        return error_message(error)
    log.error("no proposal for %s", image, exc_info=error)
    return f"No proposal for {image} ({type(error).__name__}: {error})."
