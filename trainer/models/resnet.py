"""ResNet-18 and ResNet-50 (He et al., CVPR 2016) with torchvision's parameter names."""

from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from trainer.models.base import Backbone, Dilator, Tap, initialise


def _conv3x3(inputs: int, outputs: int, stride: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False)


def _shortcut(inputs: int, outputs: int, stride: int, changes_grid: bool) -> nn.Sequential | None:
    if inputs == outputs and not changes_grid:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, original_stride: int, dilator: Dilator) -> None:
        super().__init__()
        stride, dilation = dilator.step(original_stride)
        self.conv1 = _conv3x3(inputs, width, stride, dilation)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv3x3(width, width, *dilator.step(1))
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride, original_stride > 1)

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×width×h'×w'``."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    """1×1, 3×3 (which carries the stride, as torchvision has it) and 1×1 convolutions and a shortcut."""

    expansion = 4

    def __init__(self, inputs: int, width: int, original_stride: int, dilator: Dilator) -> None:
        super().__init__()
        outputs = width * self.expansion
        stride, dilation = dilator.step(original_stride)
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv3x3(width, width, stride, dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride, original_stride > 1)

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×4·width×h'×w'``."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        return functional.relu(self.bn3(self.conv3(x)) + shortcut)


class ResNet(Backbone):
    """The trunk common to all ResNets, without the classifier; sub-classes say which block, how often."""

    affinity_taps = ("layer2", "layer3", "layer4")
    block: ClassVar[type[BasicBlock] | type[Bottleneck]]
    repeats: ClassVar[tuple[int, int, int, int]]

    def __init__(self, output_stride: int = 16) -> None:
        super().__init__(output_stride)
        dilator = Dilator(output_stride)
        self.conv1 = nn.Conv2d(3, 64, 7, dilator.step(2)[0], padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        taps = [Tap("bn1", 64, dilator.stride)]
        self.maxpool = nn.MaxPool2d(3, dilator.step(2)[0], padding=1)
        channels = 64
        for index, repeats in enumerate(self.repeats):
            width = 64 * 2**index
            blocks: list[nn.Module] = []
            for repeat in range(repeats):
                original_stride = 2 if index > 0 and repeat == 0 else 1
                blocks.append(self.block(channels, width, original_stride, dilator))
                channels = width * self.block.expansion
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
            taps.append(Tap(f"layer{index + 1}", channels, dilator.stride))
        self.taps = tuple(taps)
        initialise(self)

    def walk(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """See :meth:`Backbone.walk`."""
        x = functional.relu(self.bn1(self.conv1(x)))
        yield "bn1", x
        x = self.maxpool(x)
        for index in range(len(self.repeats)):
            name = f"layer{index + 1}"
            x = self.get_submodule(name)(x)
            yield name, x


class ResNet18(ResNet):
    """ResNet-18."""

    name = "resnet18"
    block = BasicBlock
    repeats = (2, 2, 2, 2)


class ResNet50(ResNet):
    """ResNet-50, the backbone of IRN."""

    name = "resnet50"
    block = Bottleneck
    repeats = (3, 4, 6, 3)
