"""Interrupting a long computation from outside, so that closing the program never waits for one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook


class Interrupted(BaseException):
    """The computation was asked to stop. No error, so that nothing that handles errors takes it for one."""


_here = threading.local()


def checkpoint() -> None:
    """Raise Interrupted where this thread is within `interruptible` and was asked to stop."""
    stopped: Callable[[], bool] | None = getattr(_here, "stopped", None)
    if stopped is not None and stopped():
        raise Interrupted


@contextmanager
def interruptible(stopped: Callable[[], bool]) -> Iterator[None]:
    """Within the block, `checkpoint` and every layer of every network check `stopped` and interrupt.

    A large image at scale 2, or a batch in training, may take seconds in a network, but never that long in
    one of its layers, forth or back. Other threads are left alone, whatever networks they use.
    """
    handles = [
        register_module_forward_pre_hook(lambda *_: checkpoint()),
        register_module_forward_hook(_watch_gradient),
    ]
    _here.stopped = stopped
    try:
        yield
    finally:
        _here.stopped = None
        for handle in handles:
            handle.remove()


def _watch_gradient(_module: nn.Module, _inputs: object, output: object) -> None:
    if isinstance(output, Tensor) and output.requires_grad:
        output.register_hook(_at_gradient)


def _at_gradient(_gradient: Tensor) -> None:
    checkpoint()
