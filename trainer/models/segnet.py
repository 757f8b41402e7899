"""Segmentation network: a DeepLab-style head on any backbone (METHOD, section 5; DeepLab v3 and v3+)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.models.base import Backbone
from trainer.models.dropout import ChannelDropout
from trainer.models.upsampling import resample

DETAIL_CHANNELS = (32, 64)
"""Channels the two finer maps are reduced to, from fine to coarse."""


def _conv_norm_relu(inputs: int, outputs: int, kernel: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution, group norm (it needs no large batches, unlike batch norm), ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False),
        nn.GroupNorm(16, outputs),
        nn.ReLU(inplace=True),
    )


class ImagePooling(nn.Module):
    """The mean of the whole map through a 1×1 convolution, spread over the map again."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = _conv_norm_relu(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×outputs×h×w``."""
        return self.layers(functional.adaptive_avg_pool2d(x, 1)).expand(-1, -1, *x.shape[-2:])


class Aspp(nn.Module):
    """Atrous spatial pyramid pooling: several dilations side by side, joined by a 1×1 convolution."""

    def __init__(self, inputs: int, width: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                _conv_norm_relu(inputs, width),
                *(_conv_norm_relu(inputs, width, 3, dilation) for dilation in dilations),
                ImagePooling(inputs, width),
            ]
        )
        self.join = _conv_norm_relu(width * len(self.branches), width)

    def forward(self, x: Tensor) -> Tensor:
        """``B×inputs×h×w`` → ``B×width×h×w``."""
        return self.join(torch.cat([branch(x) for branch in self.branches], dim=1))


class SegmentationNet(nn.Module):
    """Backbone → ASPP → decoder → one score for background and each class, enlarged to the image.

    The decoder joins the coarse map of the ASPP with two finer maps of the backbone, as DeepLab v3+ does.

    Args:
        class_count: classes without background.
        width: channels inside ASPP and decoder, a multiple of 16.
        dropout: share of the channels before the last layer that training drops.
        feature_dropout: the same of the backbone's deepest map, which is rich enough to memorise the faults
            of every mask.
    """

    def __init__(
        self,
        backbone: Backbone,
        class_count: int,
        width: int = 96,
        dropout: float = 0.1,
        feature_dropout: float = 0.7,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.finer = [backbone.tap(name) for name in backbone.affinity_taps[:2]]
        self.deepest = backbone.taps[-1]
        self.feature_dropout = ChannelDropout(feature_dropout)
        # Convolutions with room around them are expensive: the deepest map has many channels.
        self.reduce = _conv_norm_relu(self.deepest.channels, width)
        # The published dilations are for a stride-8 grid; coarser grids need fewer cells for the same reach.
        dilations = [max(1, cells * 8 // self.deepest.stride) for cells in (12, 24, 36)]
        self.context = Aspp(width, width, dilations)
        self.details = nn.ModuleList(
            _conv_norm_relu(tap.channels, channels)
            for tap, channels in zip(self.finer, DETAIL_CHANNELS, strict=True)
        )
        self.join = _conv_norm_relu(width + sum(DETAIL_CHANNELS), width, 3)
        self.dropout = ChannelDropout(dropout)
        self.classify = nn.Conv2d(width, class_count + 1, 1)
        nn.init.normal_(self.classify.weight, std=0.01)

    def forward(self, x: Tensor, every: int = 1) -> Tensor:
        """Normalised images ``B×3×H×W`` → logits ``B×(class_count+1)×⌈H/every⌉×⌈W/every⌉``, background first.

        Only every `every`-th pixel of each row and column is computed, a divisor of the finest map's stride;
        the logits of these do not depend on it.
        """
        return self.score(self.maps(x), x.shape[-2:], every)

    def maps(self, x: Tensor) -> list[Tensor]:
        """Return what the head needs of normalised images ``B×3×H×W``: finer maps, then the deepest one."""
        maps = self.backbone(x, [tap.name for tap in (*self.finer, self.deepest)])
        return [maps[tap.name] for tap in (*self.finer, self.deepest)]

    def score(self, maps: Sequence[Tensor], size: Sequence[int], every: int = 1) -> Tensor:
        """Return the logits that the head makes of `maps` of images of `size` (H, W), as `forward` does."""
        *finer, deepest = maps
        finest = self.finer[0]
        layers = [(self.deepest, self.context(self.reduce(self.feature_dropout(deepest))))]
        layers += [
            (tap, detail(map_)) for tap, detail, map_ in zip(self.finer, self.details, finer, strict=True)
        ]
        grid = finer[0].shape[-2:]
        aligned = [resample(map_, tap, finest.stride, grid, finest.first) for tap, map_ in layers]
        joined = self.join(torch.cat(aligned, 1))
        taken = [-(-side // every) for side in size]
        return resample(self.classify(self.dropout(joined)), finest, every, taken)

    @property
    def head(self) -> nn.ModuleList:
        """All parts but the backbone."""
        return nn.ModuleList((self.reduce, self.context, self.details, self.join, self.classify))
