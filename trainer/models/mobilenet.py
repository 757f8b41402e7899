"""MobileNetV2 (Sandler et al., CVPR 2018) with torchvision's parameter names."""

from collections.abc import Iterator

from torch import Tensor, nn

from trainer.models.base import Backbone, Dilator, Tap, initialise
from trainer.models.depthwise import DepthwiseConv2d

# expansion, channels, repeats, stride of the first: table 2 of the paper.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_STEM_CHANNELS = 32
_LAST_CHANNELS = 1280


def conv_norm_relu(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU6; the size is kept (divided by the stride)."""
    padding = (kernel - 1) // 2 * dilation
    return _norm_relu(nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False))


def _norm_relu(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    """Expand (1×1), filter each channel (3×3), project (1×1, linear); residual where shapes agree."""

    def __init__(
        self, inputs: int, outputs: int, expansion: int, stride: int, dilation: int, keeps_grid: bool
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = [conv_norm_relu(inputs, hidden, kernel=1)] if expansion != 1 else []
        layers += [
            _norm_relu(DepthwiseConv2d(hidden, 3, stride, dilation)),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*layers)
        self.residual = keeps_grid and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×outputs×h'×w'``."""
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(Backbone):
    """MobileNetV2 1.0 without its classifier; maps where a grid ends, and of the last two layers."""

    name = "mobilenet_v2"
    affinity_taps = ("features.6", "features.13", "features.17")

    def __init__(self, output_stride: int = 16) -> None:
        super().__init__(output_stride)
        dilator = Dilator(output_stride)
        stride, dilation = dilator.step(2)
        layers: list[nn.Module] = [conv_norm_relu(3, _STEM_CHANNELS, stride=stride, dilation=dilation)]
        channels = _STEM_CHANNELS
        taps: list[Tap] = []
        for expansion, outputs, repeats, first_stride in _STAGES:
            for repeat in range(repeats):
                original = first_stride if repeat == 0 else 1
                if original > 1:
                    taps.append(Tap(f"features.{len(layers) - 1}", channels, dilator.stride))
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
