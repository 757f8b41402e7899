"""Where networks compute: the GPU of this machine where there is one, and the CPU where it fails.

It loads without torch, for the desk asks it before torch is there.
"""

from __future__ import annotations

import warnings
from functools import cache

from trainer.errors import UserError
from trainer.translatable import TranslatableText, translatable

CPU = "cpu"


@cache
def find_gpu() -> str:
    """Return what torch calls the GPU of this machine, "" where there is none that computes.

    The first call may take seconds: torch then gets it ready.
    """
    import torch

    for name, there in (("cuda", torch.cuda.is_available), ("mps", torch.backends.mps.is_available)):
        try:
            if there():
                check(name)
                return name
        except UserError:
            pass
    return ""


def check(device: str) -> None:
    """Raise UserError, which says why, where nothing can be computed on a device."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (torch.ones(1, device=device) + 1).item()  # "meta" has tensors, but no numbers in them
    # What is not built into torch raises nearly anything (ImportError, AssertionError, ValueError, …).
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise UserError(f"cannot compute on --device {device} ({reason}); cpu always works") from error


def is_lost(error: Exception, device: str) -> bool:
    """Tell whether a device, and not the program, may be to blame for an error: the CPU shall try.

    A GPU that has no memory left, that is gone or that lacks an operation: torch raises a RuntimeError for
    all of these, with words that differ from version to version. If it was the program's fault after all, the
    CPU raises it again.
    """
    return device != CPU and (isinstance(error, RuntimeError) or "MPS" in str(error))


def reason_to_leave(error: Exception) -> TranslatableText:
    """Return one sentence for a person: why the CPU goes on in a GPU's place."""
    import torch

    if isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error):
        return translatable("The GPU has no memory left, so the CPU goes on in its place; nothing is lost.")
    problem = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return translatable(
        "The GPU has failed ({problem}), so the CPU goes on in its place; nothing is lost.", problem=problem
    )
