"""ResNet38, "model A1" of Wu et al. (Wider or Deeper, 2016): the paper's own backbone.

Pre-activation blocks under the parameter names of the public PSA code, so that its checkpoints load.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional

from trainer.models.base import Backbone, Dilator, Tap, initialise
from trainer.models.dropout import ChannelDropout

# name, inner channels, outer channels, repeats.
_PLAIN_STAGES = (("b2", 128, 128, 3), ("b3", 256, 256, 3), ("b4", 512, 512, 6), ("b5", 512, 1024, 3))
# name, outer channels, stride, dropout.
_BOTTLENECKS = (("b6", 2048, 2, 0.3), ("b7", 4096, 1, 0.5))


class PreActivationBlock(nn.Module):
    """Batch norm and ReLU before each of two 3×3 convolutions; a projection reads the activated input too."""

    def __init__(self, inputs: int, inner: int, outputs: int, original_stride: int, dilator: Dilator) -> None:
        super().__init__()
        stride, dilation = dilator.step(original_stride)
        self.bn_branch2a = nn.BatchNorm2d(inputs)
        self.conv_branch2a = nn.Conv2d(inputs, inner, 3, stride, dilation, dilation, bias=False)
        self.bn_branch2b1 = nn.BatchNorm2d(inner)
        _, dilation = dilator.step(1)
        self.conv_branch2b1 = nn.Conv2d(inner, outputs, 3, 1, dilation, dilation, bias=False)
        self.conv_branch1 = (
            nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            if inputs != outputs or original_stride > 1
            else None
        )

    def activate(self, x: Tensor) -> Tensor:
        """The activated input, ``B×inputs×h×w``; the one before a stage is that stage's tap."""
        return functional.relu(self.bn_branch2a(x))

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×outputs×h'×w'``."""
        active = self.activate(x)
        shortcut = x if self.conv_branch1 is None else self.conv_branch1(active)
        inner = functional.relu(self.bn_branch2b1(self.conv_branch2a(active)))
        return shortcut + self.conv_branch2b1(inner)


class PreActivationBottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions, each after batch norm and ReLU; dropout of whole channels between."""

    def __init__(
        self, inputs: int, outputs: int, original_stride: int, dropout: float, dilator: Dilator
    ) -> None:
        super().__init__()
        stride, _ = dilator.step(original_stride)
        # The stride is the first, pointwise convolution's, so the 3×3 one already stands on the new grid.
        _, dilation = dilator.step(1)
        self.bn_branch2a = nn.BatchNorm2d(inputs)
        self.conv_branch2a = nn.Conv2d(inputs, outputs // 4, 1, stride, bias=False)
        self.bn_branch2b1 = nn.BatchNorm2d(outputs // 4)
        self.dropout = ChannelDropout(dropout)
        self.conv_branch2b1 = nn.Conv2d(outputs // 4, outputs // 2, 3, 1, dilation, dilation, bias=False)
        self.bn_branch2b2 = nn.BatchNorm2d(outputs // 2)
        self.conv_branch2b2 = nn.Conv2d(outputs // 2, outputs, 1, bias=False)
        self.conv_branch1 = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def activate(self, x: Tensor) -> Tensor:
        """The activated input, ``B×inputs×h×w``."""
        return functional.relu(self.bn_branch2a(x))

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×outputs×h'×w'``."""
        active = self.activate(x)
        inner = functional.relu(self.bn_branch2b1(self.conv_branch2a(active)))
        inner = functional.relu(self.bn_branch2b2(self.conv_branch2b1(self.dropout(inner))))
        return self.conv_branch1(active) + self.conv_branch2b2(self.dropout(inner))


class ResNet38(Backbone):
    """ResNet38; its taps are the activated maps called conv4, conv5 and conv6 in the public code."""

    name = "resnet38"
    affinity_taps = ("b5.bn_branch2a", "b6.bn_branch2a", "bn7")

    def __init__(self, output_stride: int = 8) -> None:
        super().__init__(output_stride)
        dilator = Dilator(output_stride)
        self.conv1a = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        channels = 64
        taps: list[Tap] = []
        for name, inner, outputs, repeats in _PLAIN_STAGES:
            if name == "b5":
                taps.append(Tap("b5.bn_branch2a", channels, dilator.stride))
            for repeat in range(repeats):
                block = PreActivationBlock(channels, inner, outputs, 2 if repeat == 0 else 1, dilator)
                self.add_module(f"{name}_{repeat}" if repeat else name, block)
                channels = outputs
        taps.append(Tap("b6.bn_branch2a", channels, dilator.stride))
        for name, outputs, stride, dropout in _BOTTLENECKS:
            self.add_module(name, PreActivationBottleneck(channels, outputs, stride, dropout, dilator))
            channels = outputs
        self.bn7 = nn.BatchNorm2d(channels)
        taps.append(Tap("bn7", channels, dilator.stride))
        self.taps = tuple(taps)
        initialise(self)

    def walk(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """See :meth:`Backbone.walk`."""
        for name, module in self.named_children():
            if name in ("b5", "b6"):
                assert isinstance(module, PreActivationBlock | PreActivationBottleneck)
                yield f"{name}.bn_branch2a", module.activate(x)
            x = module(x)
        yield "bn7", functional.relu(x)
