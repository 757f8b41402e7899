"""What the trainer needs of a network that corrections can teach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from torch import nn

from trainer.worker.known_masks import Known


class Tuner(Protocol):
    """Teaches its own copy of a network, `net`."""

    net: Any

    def step(self, photos: Sequence[Known]) -> float:
        """Learn from a few photos; return the loss."""


class Subject(Protocol):
    """The network that makes the masks, as something that can be taught.

    Only its head is taught; all copies share the backbone. `steps` are those of a round, of `batch` photos.
    """

    name: str
    steps: int
    batch: int

    def network(self) -> Any:
        """Return the network in use, or None."""

    def blank(self) -> Any:
        """Return a network with a head of its own, to be filled."""

    def head(self, net: Any) -> nn.Module:
        """Return what is taught of a network."""

    def tuner(self, net: Any, rng: np.random.Generator) -> Tuner:
        """Return what teaches a copy of `net`."""

    def prepare(self, photos: Sequence[Known]) -> None:
        """Take note of all photos that will be learnt from."""

    def mask(self, net: Any, photo: Known) -> np.ndarray:
        """Return the mask that `net` makes of a photo, outlines drawn: uint8 H×W class ids."""

    def use(self, net: Any, version: int) -> None:
        """Have the engine use a network from now on."""
