"""Channel dropout with one random generator an image: independent of batches and processes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


class ChannelDropout(nn.Module):
    """Sets whole channels to zero, as ``nn.Dropout2d`` does, drawn from one generator for each image.

    ``nn.Dropout2d`` draws from torch's global generator: which channels an image loses would depend on what
    was drawn before, and on how a batch is split among processes. Nothing is dropped in evaluation mode or
    without generators.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generators: Sequence[np.random.Generator] = ()

    def forward(self, x: Tensor) -> Tensor:
        """``B×C×h×w`` → the same shape; kept channels are scaled so that the mean stays."""
        if not (self.training and self.generators):
            return x
        kept = [rng.random(len(image)) >= self.rate for image, rng in zip(x, self.generators, strict=True)]
        return x * (torch.from_numpy(np.stack(kept)).to(x) / (1 - self.rate))[:, :, None, None]


@contextmanager
def dropping_by(net: nn.Module, generators: Sequence[np.random.Generator]) -> Iterator[None]:
    """Within the block, all dropout in `net` draws from `generators`, one for each image of the batch."""
    dropouts = [module for module in net.modules() if isinstance(module, ChannelDropout)]
    for dropout in dropouts:
        dropout.generators = generators
    try:
        yield
    finally:
        for dropout in dropouts:
            dropout.generators = ()
