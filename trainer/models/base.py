"""What every backbone has in common: named taps, an input convention, frozen batch norm."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Tap:
    """A feature map of a backbone.

    Attributes:
        name: that of the last module run.
        channels: of the map.
        stride: pixels to a cell.
        first: pixel on which the first cell is centred; 0 for convolutions with symmetric padding.
    """

    name: str
    channels: int
    stride: int
    first: float = 0.0


@dataclass(frozen=True)
class InputConvention:
    """How a backbone wants its pixels: ``(rgb / 255 - mean) / std`` for each channel."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Raises ValueError for anything but numbers that a photo can be normalised by."""
        for values, low in ((self.mean, -1000.0), (self.std, 1e-6)):
            if len(values) != 3 or not all(low <= float(value) <= 1000 for value in values):
                raise ValueError(f"the input convention {self.mean}, {self.std} is not of three numbers each")

    def normalise(self, images: np.ndarray | Tensor) -> Tensor:
        """Pixels → network input.

        Args:
            images: one ``H×W×3`` uint8 RGB array, or a ``B×3×H×W`` tensor (uint8 or float) of values 0…255.

        Returns:
            ``B×3×H×W`` float32 tensor (B = 1 for an array) on the device of ``images``.
        """
        if isinstance(images, np.ndarray):
            images = torch.from_numpy(np.array(images)).permute(2, 0, 1)[None]
        # One multiplication and one addition a pixel: x/(255 std) − mean/std.
        std = torch.tensor(self.std, device=images.device).view(3, 1, 1)
        mean = torch.tensor(self.mean, device=images.device).view(3, 1, 1)
        return images.float() * (1 / (255 * std)) - mean / std


IMAGENET = InputConvention((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The convention of torchvision's weights, and of the public PSA and IRN code."""

HALF = InputConvention((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""``x / 127.5 − 1``: the convention of TensorFlow's MobileNets."""


class Backbone(nn.Module):
    """A network that gives several feature maps of one image.

    Sub-classes register their modules in the order in which they run, under the parameter names of the
    public weights, and implement :meth:`walk`. Any stride will do: what is built on a backbone asks its taps.
    In convolutional ones dilation takes the place of the strides beyond ``output_stride`` (:class:`Dilator`),
    so the same weights serve every stride.
    """

    name: ClassVar[str]
    affinity_taps: ClassVar[tuple[str, ...]]
    """The taps AffinityNet reads, three of them from shallow to deep."""
    output_strides: ClassVar[tuple[int, ...]] = (8, 16, 32)
    """The strides of the deepest map that the backbone can have."""
    usual_stride: ClassVar[int] = 16
    """The one it has where none is asked for."""

    def __init__(self, output_stride: int) -> None:
        super().__init__()
        if output_stride not in self.output_strides:
            raise ValueError(f"output stride {output_stride} is not one of {self.output_strides}")
        self.output_stride = output_stride
        self.convention = IMAGENET
        self.taps: tuple[Tap, ...] = ()
        self.norm_frozen = False

    @property
    def channels(self) -> int:
        """Channels of the deepest map."""
        return self.taps[-1].channels

    def tap(self, name: str) -> Tap:
        """The tap of that name; KeyError if there is none."""
        return {tap.name: tap for tap in self.taps}[name]

    def walk(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield ``(tap name, map)`` from shallow to deep, computing each map only when it is asked for."""
        raise NotImplementedError

    def forward(self, x: Tensor, taps: Collection[str] | None = None) -> dict[str, Tensor]:
        """Feature maps of normalised images.

        Args:
            x: ``B×3×H×W``, see :attr:`convention`; any size.
            taps: names of the maps wanted, all by default. Layers beyond the deepest one are not computed.

        Returns:
            maps ``B×channels×⌈H/stride⌉×⌈W/stride⌉`` by tap name, from shallow to deep.
        """
        wanted = {tap.name for tap in self.taps} if taps is None else set(taps)
        maps: dict[str, Tensor] = {}
        for name, feature_map in self.walk(x):
            if name in wanted:
                maps[name] = feature_map
            if len(maps) == len(wanted):
                break
        return maps

    def deepest(self, x: Tensor) -> Tensor:
        """Only the last map, ``B×channels×h×w``."""
        name = self.taps[-1].name
        return self(x, (name,))[name]

    def freeze_norm(self, frozen: bool = True) -> Self:
        """Keep batch norm at its stored statistics, even in training mode, and its scale and shift fixed.

        Right for pretrained weights and the small batches of fine-tuning; unfreeze to train from scratch.
        """
        self.norm_frozen = frozen
        for norm in self._norms():
            norm.requires_grad_(not frozen)
        return self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Training or evaluation mode; frozen batch norm stays in evaluation mode."""
        super().train(mode)
        if self.norm_frozen:
            for norm in self._norms():
                norm.eval()
        return self

    def _norms(self) -> Iterator[nn.BatchNorm2d]:
        return (module for module in self.modules() if isinstance(module, nn.BatchNorm2d))


class Dilator:
    """Turns the strides of a network's layers into strides and dilations that stop at an output stride.

    A layer whose stride is taken away still sees its input on the old grid, so it keeps the dilation reached
    so far; the layers after it are dilated. This is what keeps pretrained weights valid.
    """

    def __init__(self, output_stride: int) -> None:
        self.output_stride = output_stride
        self.stride = 1
        self.dilation = 1

    def step(self, stride: int) -> tuple[int, int]:
        """Stride and dilation to give the next layer, whose original stride is ``stride``."""
        dilation = self.dilation
        if self.stride * stride <= self.output_stride:
            self.stride *= stride
            return stride, dilation
        self.dilation *= stride
        return 1, dilation


def initialise(module: nn.Module) -> None:
    """He's initialisation for convolutions, unit batch norm: the start for training from scratch."""
    for child in module.modules():
        if isinstance(child, nn.Conv2d):
            nn.init.kaiming_normal_(child.weight, mode="fan_out", nonlinearity="relu")
            if child.bias is not None:
                nn.init.zeros_(child.bias)
        elif isinstance(child, nn.BatchNorm2d):
            nn.init.ones_(child.weight)
            nn.init.zeros_(child.bias)
