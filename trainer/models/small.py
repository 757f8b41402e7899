"""The bundled backbone: half the time of MobileNetV2 on a CPU, and small enough to ship."""

from collections.abc import Iterator

from torch import Tensor, nn

from trainer.models.base import Backbone, Dilator, Tap, initialise
from trainer.models.mobilenet import InvertedResidual, conv_norm_relu

# hidden channels, channels, stride. Dense convolutions at the fine grids: a CPU runs them near its peak,
# where depthwise ones wait for memory.
_DENSE = ((32, 16, 2), (64, 24, 2), (96, 24, 1), (144, 32, 2))
# expansion, channels, repeats, stride of the first.
_STAGES = ((6, 32, 2, 1), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_LAST_CHANNELS = 1280


class DenseResidual(nn.Module):
    """Filter (3×3, dense) and project (1×1, linear); residual where shapes agree."""

    def __init__(self, inputs: int, hidden: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            conv_norm_relu(inputs, hidden, stride=stride, dilation=dilation),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×outputs×h'×w'``."""
        return x + self.conv(x) if self.residual else self.conv(x)


class AffinitySmall(Backbone):
    """Dense blocks to stride 8, then inverted residuals; after each, a map of the shape of MobileNetV2's.

    Meant for an output stride of 16, at which the bundled weights were trained.
    """

    name = "affinity_small"
    affinity_taps = ("features.5", "features.12", "features.16")

    def __init__(self, output_stride: int = 16) -> None:
        super().__init__(output_stride)
        dilator = Dilator(output_stride)
        channels = 3
        layers: list[nn.Module] = []
        for hidden, outputs, first_stride in _DENSE:
            stride, dilation = dilator.step(first_stride)
            layers.append(DenseResidual(channels, hidden, outputs, stride, dilation))
            channels = outputs
        taps: list[Tap] = []
        for expansion, outputs, repeats, first_stride in _STAGES:
            for repeat in range(repeats):
                original = first_stride if repeat == 0 else 1
                stride, dilation = dilator.step(original)
                layers.append(InvertedResidual(channels, outputs, expansion, stride, dilation, original == 1))
                channels = outputs
            taps.append(Tap(f"features.{len(layers) - 1}", channels, dilator.stride))
        layers.append(conv_norm_relu(channels, _LAST_CHANNELS, kernel=1))
        taps.append(Tap(f"features.{len(layers) - 1}", _LAST_CHANNELS, dilator.stride))
        self.features = nn.Sequential(*layers)
        self.taps = tuple(taps)
        initialise(self)

    def walk(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """See :meth:`Backbone.walk`; yields after every layer, tap or not."""
        for index, layer in enumerate(self.features):
            x = layer(x)
            yield f"features.{index}", x
