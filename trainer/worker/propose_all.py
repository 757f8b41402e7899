"""Proposals for all images of a project, one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from trainer.data.images import load_image
from trainer.data.project import ImageRecord, Project
from trainer.devices import is_lost
from trainer.engine import Engine
from trainer.errors import UserError
from trainer.worker.messages import Message, ProposalStored, ProposeAllEnded, ProposeAllProgress
from trainer.worker.stored_proposals import failure_reason, store_proposal


class ProposeAll:
    """Proposes for every tagged image that nobody has touched, with no up-to-date proposal or imported mask.

    The project keeps mask and margin, the rest of a proposal is dropped. Models, settings and tags may change
    on the way: images that wait are proposed with what holds then; those done before are out of date again,
    and follow in another pass. An image that failed is not tried again.
    """

    def __init__(self, project: Project, engine: Engine, send: Callable[[Message], None]) -> None:
        """Nothing is done before the first `step`."""
        self._project, self._engine, self._send = project, engine, send
        self._waiting: deque[str] = deque()
        self._number = self._total = 0
        self._done: set[str] = set()
        self._failed: dict[str, str] = {}

    def step(self) -> bool:
        """Propose for one image and return True; where none is left, end and return False.

        Only what a GPU may be to blame for is raised.
        """
        try:
            record = self._next()
        except UserError as error:  # the project itself cannot be read
            self._failed[""] = str(error)
            record = None
        if record is None:
            self.end(stopped=False)
            return False
        self._send(ProposeAllProgress(self._number, self._total))
        try:
            self._propose(record)
        except Exception as error:
            if is_lost(error, self._engine.device):
                raise  # the image is due still, in another pass
            self._failed[record.id] = failure_reason(record.id, error)
        return True

    def end(self, stopped: bool) -> None:
        """Report the result; `stopped` means that images may be left."""
        self._send(ProposeAllEnded(len(self._done), stopped, tuple(self._failed.values())))

    def _next(self) -> ImageRecord | None:
        while self._waiting or self._begin_pass():
            self._number += 1
            # Meanwhile a person may have opened, corrected or accepted it.
            record = self._project.record(self._waiting.popleft())
            if self._is_due(record):
                return record
        return None

    def _begin_pass(self) -> bool:
        self._waiting.extend(record.id for record in self._project.images() if self._is_due(record))
        self._number, self._total = 0, len(self._waiting)
        return bool(self._waiting)

    def _is_due(self, record: ImageRecord) -> bool:
        return (
            record.tagged
            and record.untouched
            and record.id not in self._failed
            and not self._project.is_imported(record.id)
            and self._project.proposal_origin(record.id) != self._engine.origin(record.tags)
        )

    def _propose(self, record: ImageRecord) -> None:
        origin = self._engine.origin(record.tags)
        proposal = self._engine.propose(load_image(record.path), record.tags)
        # What changed meanwhile has the last word; an image that is still untouched then comes again.
        if (self._project.record(record.id), self._engine.origin(record.tags)) == (record, origin):
            store_proposal(self._project, record, proposal, origin)
            self._done.add(record.id)
            self._send(ProposalStored(record.id))
