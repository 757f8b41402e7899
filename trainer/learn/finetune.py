"""Fine-tuning the AffinityNet on a person's corrections (METHOD, section 3), and validating it.

The backbone stays as it is [ours], so its features are computed once and only the head is trained: quick on a
laptop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.data.classes import VOID
from trainer.method.affinity import affinity_loss
from trainer.method.grid import normalised
from trainer.method.propagation import Evidence
from trainer.models.affinitynet import AffinityNet

AUTOMATIC_WEIGHT = 0.1
"""Trust in an automatic seed, where a painted pixel has 1: enough not to forget what was known before."""
CROP = 32
"""Side of a training crop in cells of the feature grid; keeps a batch short."""
LEARNING_RATE = 5e-4
WEIGHT_DECAY = 5e-4
SMOOTH_SHARE = 0.1
"""Part of a score that is the mean probability of the right class: it tells two models apart where a few
strokes would find both equally right."""


@dataclass(frozen=True, eq=False)
class Example:
    """One corrected image on the feature grid, h×w cells.

    Attributes:
        taps: gives the backbone's maps 1×C×h×w, the inputs of the AffinityNet's head.
        painted: uint8 h×w, what the person says: 0 background, class id, 255 nothing.
        automatic: uint8 h×w, confident automatic seeds where the person says nothing, else 255.
        evidence: the scores before propagation.
    """

    taps: Callable[[], tuple[Tensor, ...]]
    painted: np.ndarray
    automatic: np.ndarray
    evidence: Evidence

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
    copy = AffinityNet(net.backbone)
    copy.head.load_state_dict(net.head.state_dict())
    return copy.eval()


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


class Agreement:
    """How well propagated scores agree with what is known of several images, as one number in [0, 1].

    `(1 − s) · mIoU + s · mean probability of the right class`, with s = `SMOOTH_SHARE`. In every image the
    painted cells weigh 1 together and the automatic seeds `AUTOMATIC_WEIGHT` together: an image counts the
    same however much of it was painted, and fitting a few strokes at the cost of the rest does not pay. The
    mIoU is over the classes that are painted or seeded.
    """

    def __init__(self) -> None:
        self._confusion = np.zeros((VOID, VOID))
        self._right = 0.0

    def add(self, example: Example, scores: np.ndarray) -> None:
        """Count an image; `scores` float (K+1)×h×w ≥ 0 have the channels of `example.evidence`."""
        probabilities = normalised(scores)
        predicted = np.array(example.evidence.classes, np.uint8)[probabilities.argmax(axis=0)]
        truth, weights = example.labels, _cell_weights(example)
        known = truth != VOID
        np.add.at(self._confusion, (truth[known], predicted[known]), weights[known])
        for channel, class_id in enumerate(example.evidence.classes):
            here = truth == class_id
            self._right += float((probabilities[channel][here] * weights[here]).sum())

    @property
    def score(self) -> float:
        """The number; 0 before the first image."""
        truth, hits = self._confusion.sum(axis=1), np.diag(self._confusion)
        present = truth > 0
        if not present.any():
            return 0.0
        unions = truth + self._confusion.sum(axis=0) - hits
        miou = (hits[present] / unions[present]).mean()
        return float((1 - SMOOTH_SHARE) * miou + SMOOTH_SHARE * self._right / truth.sum())


def _cell_weights(example: Example) -> np.ndarray:
    painted, seeded = example.painted != VOID, example.automatic != VOID
    return painted / max(1, painted.sum()) + AUTOMATIC_WEIGHT * seeded / max(1, seeded.sum())
