"""Checkpoints, from which an interrupted training continues."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer.data.atomic import write_atomically

EVERY = 60.0
"""Seconds between two checkpoints, and so the most work that an interruption costs."""


class Checkpoint:
    """A file with the state of a training: network, optimiser, number of batches done.

    `warn` is called with a message where the file cannot be used; the training then starts at its beginning.
    A file saved with other `data`, a text that identifies initial weights and training data, is not used.
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
        """Save the state after `step` batches of `training`, a text that identifies recipe and data.

        Raises DataError where the file cannot be written.
        """
        state = {
            "training": training + self._data,
            "step": step,
            "net": net.state_dict(),
            "optimiser": optimiser.state_dict(),
        }
        # Through memory: torch reports a full disk as an internal error.
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with write_atomically(self.path) as temporary:
            temporary.write_bytes(buffer.getbuffer())
        self._saved = time.monotonic()

    def restore(self, training: str, net: nn.Module, optimiser: torch.optim.Optimizer) -> int:
        """Load the saved state of a training; return the number of batches done, 0 where there is none."""
        if not self.path.is_file():
            return 0
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            if not all(torch.isfinite(value).all() for value in state["net"].values()):
                raise ValueError("not a number")
            if state["training"] != training + self._data or _shapes(state["net"]) != _shapes(
                net.state_dict()
            ):
                self._warn(f"warning: {self.path} is of another training; this one starts at its beginning")
                return 0
            optimiser.load_state_dict(state["optimiser"])
            net.load_state_dict(state["net"])
            return int(state["step"])
        except Exception:  # torch's reader raises nearly anything on damaged bytes
            self._warn(f"warning: {self.path} is damaged; the training starts at its beginning")
            return 0


def _shapes(tensors: dict[str, Any]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}
