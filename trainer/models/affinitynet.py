"""AffinityNet: features whose distances tell whether two pixels belong together (paper, section 3.3)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.models.base import Backbone
from trainer.models.upsampling import resample

AFFINITY_STRIDE = 8
"""Pixels to a cell of the grid on which affinities live."""


class AffinityHead(nn.Module):
    """Maps of several depths → one embedding: 1×1 convolution and ELU on each, joined, and once more."""

    def __init__(self, channels: Sequence[int], widths: Sequence[int] = (64, 128, 256)) -> None:
        super().__init__()
        reduce = [
            nn.Conv2d(inputs, width, 1, bias=False) for inputs, width in zip(channels, widths, strict=True)
        ]
        for conv in reduce:
            nn.init.kaiming_normal_(conv.weight)
        self.reduce = nn.ModuleList(reduce)
        self.fuse = nn.Conv2d(sum(widths), sum(widths), 1, bias=False)
        nn.init.xavier_uniform_(self.fuse.weight, gain=4)

    @torch.no_grad()
    def fit_scale(self, taps: Sequence[Tensor]) -> None:
        """Divide a new head's first weights by the spread of its inputs, as if each tap had unit deviation.

        Backbones differ by orders of magnitude in what they put out; one learning rate then fits all.
        """
        for conv, tap in zip(self.reduce, taps, strict=True):
            conv.get_parameter("weight").div_(tap.std() + 1e-5)

    def forward(self, taps: Sequence[Tensor]) -> Tensor:
        """Maps ``B×channels[i]×h×w`` of one grid → ``B×sum(widths)×h×w``."""
        reduced = [functional.elu(conv(tap)) for conv, tap in zip(self.reduce, taps, strict=True)]
        return functional.elu(self.fuse(torch.cat(reduced, dim=1)))


class AffinityNet(nn.Module):
    """A backbone and a head on its taps, all brought to one grid of stride 8, whatever their own strides.

    A backbone of output stride 8 gives the deep taps on that grid by dilation, as in the paper. One of stride
    16 is several times cheaper and its deep taps are interpolated. The parameters are the same.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = AffinityHead([backbone.tap(name).channels for name in backbone.affinity_taps])

    def forward(self, x: Tensor) -> Tensor:
        """Normalised images ``B×3×H×W`` → embedding ``B×448×⌈H/8⌉×⌈W/8⌉``."""
        return self.embed(self.taps_of(x))

    def taps_of(self, x: Tensor) -> tuple[Tensor, ...]:
        """Normalised images ``B×3×H×W`` → the head's inputs, from shallow to deep, on the stride-8 grid."""
        return self.align(self.backbone(x, self.backbone.affinity_taps), x.shape[-2:])

    def align(self, maps: dict[str, Tensor], size: Sequence[int]) -> tuple[Tensor, ...]:
        """Backbone maps of images of ``size`` (H, W) → the head's inputs, on the stride-8 grid."""
        grid = [-(-side // AFFINITY_STRIDE) for side in size]
        return tuple(
            resample(maps[name], self.backbone.tap(name), AFFINITY_STRIDE, grid)
            for name in self.backbone.affinity_taps
        )

    def embed(self, taps: Sequence[Tensor]) -> Tensor:
        """The head alone, for training on cached taps: → ``B×448×h×w``."""
        return self.head(taps)
