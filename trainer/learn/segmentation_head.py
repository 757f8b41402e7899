"""Teaching the head of a segmentation network on maps that its backbone made once (METHOD, section 5).

The backbone stays as it is [ours]: a step then takes a fraction of what the whole network needs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer.data.classes import BACKGROUND, VOID, labels_in
from trainer.learn.segmentation import class_weights, pixel_loss
from trainer.models.base import Backbone
from trainer.models.class_rows import learnt_rows
from trainer.models.dropout import dropping_by
from trainer.models.segnet import SegmentationNet

RATE = 1e-3
"""Learning rate for a head that has learnt already."""
NEW_RATE = 3e-3
"""Learning rate that a new head begins with."""
WEIGHT_DECAY = 5e-4
AVERAGED = 0.98
"""What is taught is the mean of the heads after each batch, the earlier ones counting so much less each
time: a single one depends on the last photos."""


@dataclass(frozen=True, eq=False)
class HeadExample:
    """A photo to learn from.

    Attributes:
        maps: gives what the head needs of the photo, or of its mirror image (True).
        labels: uint8 H×W, 0 background, class id, 255 unknown.
    """

    maps: Callable[[bool], Sequence[Tensor]]
    labels: np.ndarray


def copy_head(net: SegmentationNet) -> SegmentationNet:
    """Return a network with its own copy of the head on the very same backbone, in evaluation mode."""
    return copy.deepcopy(net, {id(net.backbone): net.backbone}).eval()


@torch.no_grad()
def photo_maps(net: SegmentationNet, photo: np.ndarray, mirrored: bool) -> tuple[Tensor, ...]:
    """Return what the head of `net` needs of a photo uint8 H×W×3 or its mirror image, in half precision."""
    seen = np.ascontiguousarray(photo[:, ::-1]) if mirrored else photo
    pixels = net.backbone.convention.normalise(seen).to(net.classify.weight.device)
    return tuple(map_.half() for map_ in net.maps(pixels.contiguous(memory_format=torch.channels_last)))


class HeadTuner:
    """Teaches a copy of a network's head; `net` is what it has come to."""

    def __init__(self, net: SegmentationNet, rng: np.random.Generator, rate: float = RATE) -> None:
        """`rng` is the source of all randomness: equal ones and equal examples give equal heads."""
        self.net = copy_head(net)
        self._learner = copy_head(net).train()
        self._rng = rng
        self._every = net.finer[0].stride // 2
        self._optimiser = torch.optim.AdamW(
            self._learner.head.parameters(), lr=rate, weight_decay=WEIGHT_DECAY
        )

    def open_rows(self, labels: Sequence[int]) -> None:
        """Begin the rows of labels that the network has not learnt yet."""
        for net in (self.net, self._learner):
            new = sorted(set(labels) - set(learnt_rows(net.classify)))
            with torch.no_grad():
                # As likely as what the network knows, until it has learnt more.
                net.classify.weight[new] = net.classify.weight[1:].mean(0)
                net.classify.get_parameter("bias")[new] = 0

    def slow_down(self, rate: float) -> None:
        """Take another learning rate from now on."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate

    def step(self, examples: Sequence[HeadExample], weights: Tensor) -> float:
        """Learn from a batch; return its mean loss.

        `weights`, float ``(L,)``, are those of a pixel of each label (`class_weights`). Raises
        FloatingPointError when the loss is no longer a number.
        """
        self._optimiser.zero_grad()
        total = 0.0
        for example in examples:
            mirrored = bool(self._rng.random() < 0.5)
            labels = example.labels[:, ::-1] if mirrored else example.labels
            shown = sorted({BACKGROUND, *labels_in(labels)} - {VOID})
            maps = [map_.float() for map_ in example.maps(mirrored)]
            with dropping_by(self._learner, [self._rng]):
                scores = self._learner.score(maps, labels.shape, self._every)[0]
            wanted = torch.from_numpy(labels[:: self._every, :: self._every].astype(np.int64))
            loss = pixel_loss(scores, wanted.to(scores.device), shown, weights) / len(examples)
            if not torch.isfinite(loss):
                raise FloatingPointError("the training loss is no longer a number")
            loss.backward()
            total += float(loss.detach())
        self._optimiser.step()
        self._average()
        return total

    @torch.no_grad()
    def _average(self) -> None:
        for mean, latest in zip(self.net.head.parameters(), self._learner.head.parameters(), strict=True):
            mean.lerp_(latest, 1 - AVERAGED)


def new_head(backbone: Backbone, class_count: int, seed: int) -> SegmentationNet:
    """Return a network on a backbone as it is, in evaluation mode; its head is to be taught."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = SegmentationNet(backbone, class_count).eval()
    return net.to(next(backbone.parameters()).device)


def head_steps(
    tuner: HeadTuner,
    examples: Sequence[HeadExample],
    class_count: int,
    epochs: int,
    batch: int,
    rng: np.random.Generator,
) -> Iterator[float]:
    """Teach a new head all examples, `epochs` times, in batches; yield the loss after each.

    The rate falls from `NEW_RATE` to 0, as in the paper's recipe (poly schedule).
    """
    weights = class_weights([example.labels for example in examples], 1 + class_count)
    weights = weights.to(tuner.net.classify.weight.device)
    each = -(-len(examples) // batch)
    for epoch in range(epochs):
        order = rng.permutation(len(examples))
        for place in range(each):
            tuner.slow_down(NEW_RATE * (1 - (epoch * each + place) / (epochs * each)) ** 0.9)
            chosen = order[place * batch :][:batch]
            yield tuner.step([examples[index] for index in chosen], weights)


@torch.inference_mode()
def predict_from_maps(
    net: SegmentationNet,
    maps: Callable[[bool], Sequence[Tensor]],
    classes: Sequence[int],
    size: Sequence[int],
) -> np.ndarray:
    """Return the mask that the head gives a photo of `size` (H, W) that shows `classes`: uint8 H×W class ids.

    It is the mean over photo and mirror image, at one scale; `maps` as in an example.
    """
    learnt = set(learnt_rows(net.classify))
    rows = [BACKGROUND, *(label for label in classes if label in learnt)]
    total = torch.zeros(())
    for mirrored in (False, True):
        scores = net.score([map_.float() for map_ in maps(mirrored)], size)[0, rows].softmax(dim=0)
        total = total + (scores.flip(-1) if mirrored else scores)
    return np.array(rows, np.uint8)[total.argmax(dim=0).cpu().numpy()]
