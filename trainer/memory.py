"""What the C library keeps of freed memory."""

from __future__ import annotations

import ctypes
import sys
from functools import cache


def return_freed_memory() -> None:
    """Give freed memory back to the system: glibc keeps most of it, for threads that may never need it.

    Takes milliseconds, during which other threads may wait for memory.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> ctypes._NamedFuncPointer | None:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
