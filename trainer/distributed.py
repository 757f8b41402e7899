"""The processes that share a run: a single one, or those that ``torchrun`` started.

Every process runs the same program. Work is distributed by rank and gradients are summed. Since each image's
augmentation and dropout come from its own generator, the result does not depend on the number of processes
(up to the order of floating-point sums, which training may amplify).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import Any, NoReturn, TypeVar

import torch
from torch import distributed, nn

from trainer.errors import UserError

T = TypeVar("T")

TIMEOUT = timedelta(minutes=30)
"""A process waits this long for the others before it gives up: long enough for the slowest image stage."""


@dataclass(frozen=True)
class ProcessGroup:
    """This process among `size`; rank 0 reports and writes the common results."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that reports and writes."""
        return self.rank == 0

    def share(self, work: Sequence[T]) -> Sequence[T]:
        """Return this process's part of the work; the parts are disjoint and differ by one item at most."""
        return work[self.rank :: self.size]

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over all processes; one without a gradient counts as zero."""
        if self.size == 1:
            return
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in trained:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        # One message for all: the cost of many small ones is their number, not their size.
        flat = torch.cat([parameter.grad.flatten() for parameter in trained if parameter.grad is not None])
        with self._collective():
            distributed.all_reduce(flat)
        pieces = flat.split([parameter.numel() for parameter in trained])
        for parameter, piece in zip(trained, pieces, strict=True):
            parameter.grad = piece.view_as(parameter)

    def gather(self, mine: T) -> list[T]:
        """Return what every process gave, by rank, to all of them."""
        if self.size == 1:
            return [mine]
        everyone: list[Any] = [None] * self.size
        with self._collective():
            distributed.all_gather_object(everyone, mine)
        return everyone

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            with self._collective():
                distributed.barrier()

    @contextmanager
    def _collective(self) -> Iterator[None]:
        """Abort if another process is gone: waiting for it would never end."""
        try:
            yield
        except RuntimeError:  # All that torch says of a connection that is gone.
            self.abort()

    def abort(self, *_: int | FrameType | None) -> NoReturn:
        """End this process because another has ended; only rank 0 reports it, as a UserError."""
        if self.is_main:
            raise UserError(
                "one of the processes that share this run has ended before its time; start the run again"
            )
        raise SystemExit(1)


SINGLE_PROCESS = ProcessGroup()


@contextmanager
def join_process_group(device: str = "cpu") -> Iterator[ProcessGroup]:
    """Join the processes ``torchrun`` started (gloo on CPU, NCCL on GPU); without it, work alone.

    When one of them ends before its time, all do.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield SINGLE_PROCESS
        return
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=TIMEOUT)
    group = ProcessGroup(distributed.get_rank(), size)
    # torchrun's way to end those who are left.
    former = signal.signal(signal.SIGTERM, group.abort)
    try:
        yield group
    finally:
        signal.signal(signal.SIGTERM, former)
        distributed.destroy_process_group()
