"""Dropout by generators of the images' own, so that it does not depend on what else is computed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


class ChannelDropout(nn.Module):
    """Sets whole channels to zero, as ``nn.Dropout2d`` does, for each image by a generator of its own.

    torch's draws from one generator for everybody: what an image loses would depend on what was drawn before,
    and on how a batch is dealt out to processes. Nothing is dropped in evaluation mode or without generators.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generators: Sequence[np.random.Generator] = ()

    def forward(self, x: Tensor) -> Tensor:
        """``B×C×h×w`` → the same shape; what is left is enlarged so that the mean stays."""
        if not (self.training and self.generators):
            return x
        kept = [rng.random(len(image)) >= self.rate for image, rng in zip(x, self.generators, strict=True)]
        return x * (torch.from_numpy(np.stack(kept)).to(x) / (1 - self.rate))[:, :, None, None]


@contextmanager
def dropping_by(net: nn.Module, generators: Sequence[np.random.Generator]) -> Iterator[None]:
    """Let all dropout in `net` draw from `generators`, one for each image of the batch computed inside."""
    dropouts = [module for module in net.modules() if isinstance(module, ChannelDropout)]
    for dropout in dropouts:
        dropout.generators = generators
    try:
        yield
    finally:
        for dropout in dropouts:
            dropout.generators = ()
