"""What the trainer needs of a network that corrections can teach."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
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
        """Return the network in use; None where the engine does without."""

    @property
    def classes(self) -> int:
        """Number of classes, without background, that the engine knows by now."""

    @property
    def begun(self) -> bool:
        """Tell whether there is something that corrections can teach; else `begin` comes first."""

    def begin(self, photos: Sequence[Known], seed: int) -> Iterator[None]:
        """Teach a new network what the engine says of photos that nobody has corrected, piece by piece."""

    def blank(self, classes: int) -> Any:
        """Return a network of so many classes with a head of its own, to be filled."""

    def copy(self, net: Any) -> Any:
        """Return a copy of a network, on the same backbone."""

    def head(self, net: Any) -> nn.Module:
        """Return what is taught of a network."""

    def tuner(self, net: Any, rng: np.random.Generator) -> Tuner:
        """Return what teaches a copy of `net`; None: of what corrections begin with."""

    def prepare(self, photos: Sequence[Known]) -> None:
        """Take note of all photos that will be learnt from."""

    def fitting_alpha(self, net: Any, photos: Sequence[Known]) -> Generator[None, None, float | None]:
        """Return the background exponent that fits a network, as some photos tell; None where it has none."""

    def mask(self, net: Any, photo: Known, alpha: float | None = None) -> np.ndarray:
        """Return the mask that `net`, or the engine without it, makes of a photo: uint8 H×W class ids, before
        the stroke network draws the outlines.

        `alpha` is the background exponent; None takes that of the engine's settings.
        """

    def use(self, net: Any, version: int, alpha: float | None = None) -> None:
        """Have the engine use a network from now on, and the background exponent that fits it, if any."""
