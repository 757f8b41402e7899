"""The bundled backbone: half the time of MobileNetV2 on a CPU, and small enough to ship."""

from collections.abc import Iterator

from torch import Tensor, nn

from trainer.models.base import Backbone, Dilator, Tap, initialise
from trainer.models.mobilenet import InvertedResidual, conv_norm_relu

# Dense convolutions at the fine grids: a CPU runs them near its peak, where depthwise ones wait for memory.
_STEM_CHANNELS = (16, 32, 64)
# expansion, channels, repeats, stride of the first.
_STAGES = ((3, 64, 3, 1), (4, 96, 6, 2), (4, 160, 6, 2))
_LAST_CHANNELS = 1280


class AffinitySmall(Backbone):
    """Dense stem to stride 8, then inverted residuals; the last map has the shape of MobileNetV2's.

    Meant for an output stride of 16, at which the bundled weights were trained.
    """

    name = "affinity_small"
    affinity_taps = ("features.5", "features.11", "features.17")

    def __init__(self, output_stride: int = 16) -> None:
        super().__init__(output_stride)
        dilator = Dilator(output_stride)
        channels = 3
        layers: list[nn.Module] = []
        for outputs in _STEM_CHANNELS:
            stride, dilation = dilator.step(2)
            layers.append(conv_norm_relu(channels, outputs, stride=stride, dilation=dilation))
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
