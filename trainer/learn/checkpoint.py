"""What a training leaves on the way, so that one that was broken off goes on from there."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer.data.atomic import write_atomically

EVERY = 60.0
"""Seconds between two checkpoints, and so the most that a broken-off training does twice."""


class Checkpoint:
    """A file with the state of a training: network, optimiser, number of batches done.

    `warn` is told where the file is of no use; the training then starts at its beginning. That is so, too,
    where it was saved with other `data`, a text that stands for the start and all that is learnt from.
    """

    def __init__(self, path: Path, warn: Callable[[str], None], data: str = "") -> None:
        self.path = path
        self._warn, self._data = warn, data
        self._saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved >= EVERY

    def save(self, training: str, net: nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
        """Keep the state after `step` batches of `training`, a text with all that it depends on.

        Raises DataError where the file cannot be written.
        """
        state = {
            "training": training + self._data,
            "step": step,
            "net": net.state_dict(),
            "optimiser": optimiser.state_dict(),
        }
        # By way of memory: torch reports a full disk as if it were a fault of the program.
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with write_atomically(self.path) as temporary:
            temporary.write_bytes(buffer.getbuffer())
        self._saved = time.monotonic()

    def restore(self, training: str, net: nn.Module, optimiser: torch.optim.Optimizer) -> int:
        """Bring a training to where it was saved; return the number of batches done, 0 where none was."""
        if not self.path.is_file():
            return 0
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if state["training"] != training + self._data or _shapes(state["net"]) != _shapes(
                net.state_dict()
            ):
                self._warn(f"warning: {self.path} is of another training; this one starts at its beginning")
                return 0
            optimiser.load_state_dict(state["optimiser"])
            net.load_state_dict(state["net"])
            return int(state["step"])
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, TypeError, ValueError):
            self._warn(f"warning: {self.path} is damaged; the training starts at its beginning")
            return 0


def _shapes(tensors: dict[str, Any]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}
