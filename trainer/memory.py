"""Memory: how much was used, what the C library keeps of it, and when Python looks for garbage."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


def peak_memory() -> int:
    """Return the largest number of bytes this process has had in memory; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def return_freed_memory() -> None:
    """Give freed memory back to the system: glibc keeps most of it, for threads that may never need it.

    Takes milliseconds, during which other threads may wait for memory.
    """
    if (trim := _trim()) is not None:
        trim(0)


@contextmanager
def without_full_collections() -> Iterator[None]:
    """Look for garbage among young objects only, for as long as work lasts that makes many that stay.

    A full collection stops every thread, an event loop too, the longer the more objects there are.
    """
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, 1 << 30)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)


@cache
def _trim() -> ctypes._NamedFuncPointer | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
