"""Breaking off a network's forward pass from outside, so that closing the program never waits for one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import nn


class Interrupted(BaseException):
    """The computation was asked to stop. No error, so that nothing that handles errors takes it for one."""


@contextmanager
def interruptible(stopped: Callable[[], bool], *modules: nn.Module) -> Iterator[None]:
    """Within the block, every layer of `modules` first asks `stopped` and raises Interrupted when it says so.

    A large image at scale 2 may take seconds in a network, but never that long in one of its layers. Other
    threads may use the same modules meanwhile and are left alone.
    """
    thread = threading.get_ident()

    def check(*_: object) -> None:
        if threading.get_ident() == thread and stopped():
            raise Interrupted

    layers = {layer for module in modules for layer in module.modules()}
    handles = [layer.register_forward_pre_hook(check) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
