"""Fine-tuning the AffinityNet on a person's corrections (METHOD, section 3).

The backbone stays as it is [ours], so its features are computed once and only the head is trained: quick on a
laptop.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.data.classes import VOID
from trainer.method.affinity import affinity_loss
from trainer.models.affinitynet import AffinityNet

AUTOMATIC_WEIGHT = 0.1
"""Trust in an automatic seed, where a painted pixel has 1: enough not to forget what was known before."""
CROP = 32
"""Side of a training crop in cells of the feature grid; keeps a batch short."""
LEARNING_RATE = 5e-4
WEIGHT_DECAY = 5e-4


@dataclass(frozen=True, eq=False)
class Example:
    """One corrected image on the feature grid, h×w cells.

    Attributes:
        taps: gives the backbone's maps 1×C×h×w, the inputs of the AffinityNet's head.
        painted: uint8 h×w, what the person says: 0 background, class id, 255 nothing.
        automatic: uint8 h×w, confident automatic seeds where the person says nothing, else 255.
    """

    taps: Callable[[], tuple[Tensor, ...]]
    painted: np.ndarray
    automatic: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Uint8 h×w: painted labels, automatic ones elsewhere, 255 neutral."""
        return np.where(self.painted == VOID, self.automatic, self.painted)

    @property
    def trust(self) -> np.ndarray:
        """Float32 h×w: 1 where painted, `AUTOMATIC_WEIGHT` elsewhere."""
        return np.where(self.painted == VOID, AUTOMATIC_WEIGHT, 1).astype(np.float32)


def copy_head(net: AffinityNet) -> AffinityNet:
    """Return a net with its own copy of the head on the very same backbone."""
    return copy.deepcopy(net, {id(net.backbone): net.backbone}).eval()


class FineTuner:
    """Trains a challenger that starts as a copy of the incumbent, one crop at a time."""

    def __init__(self, incumbent: AffinityNet, rng: np.random.Generator) -> None:
        """`rng` chooses the crops: equal seeds give equal nets."""
        self.net = copy_head(incumbent)
        self._rng = rng
        self._optimizer = torch.optim.AdamW(
            self.net.head.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )

    def step(self, example: Example) -> float:
        """Learn from one crop around a painted cell of `example`; return its loss.

        Raises FloatingPointError when the loss is no longer a number.
        """
        window = self._window(example.painted)
        taps = [tap[..., window[0], window[1]] for tap in example.taps()]
        labels = torch.from_numpy(example.labels[window])[None].to(taps[0].device)
        trust = torch.from_numpy(example.trust[window])[None].to(taps[0].device)
        loss = affinity_loss(self.net.embed(taps), labels.long(), weights=trust).total
        if not torch.isfinite(loss):
            raise FloatingPointError("the training loss is no longer a number")
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return float(loss.detach())

    def _window(self, painted: np.ndarray) -> tuple[slice, slice]:
        """Choose a crop that contains a painted cell, chosen by chance."""
        cells = np.argwhere(painted != VOID)
        cell = cells[self._rng.integers(len(cells))]
        starts = [
            int(np.clip(centre - CROP // 2, 0, max(0, side - CROP)))
            for centre, side in zip(cell, painted.shape, strict=True)
        ]
        return slice(starts[0], starts[0] + CROP), slice(starts[1], starts[1] + CROP)
