"""Vision transformer (Dosovitskiy et al., ICLR 2021) under the parameter names of DINOv2's published weights.

A transformer has one grid for all its depths: its taps differ in depth, not in stride.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.models.base import Backbone, Tap

_EPSILON = 1e-6


class Attention(nn.Module):
    """Self-attention of several heads; queries, keys and values from one linear layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``B×N×width`` → the same shape."""
        queries, keys, values = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(queries, keys, values)
        return self.proj(attended.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``B×N×width`` → the same shape."""
        return self.fc2(functional.gelu(self.fc1(x)))


class LayerScale(nn.Module):
    """A learnt factor a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """``B×N×width`` → the same shape."""
        return x * self.gamma


class Block(nn.Module):
    """Attention and perceptron, each after its norm and beside its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_EPSILON)
        self.attn = Attention(width, heads)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=_EPSILON)
        self.mlp = Mlp(width)
        self.ls2 = LayerScale(width)

    def forward(self, x: Tensor) -> Tensor:
        """``B×N×width`` → the same shape."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbedding(nn.Module):
    """One token a patch: a convolution as wide as its stride."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        """``B×3×H×W`` → ``B×width×⌈H/patch⌉×⌈W/patch⌉``; the last patches are filled with the mean colour."""
        height, width = x.shape[-2:]
        return self.proj(functional.pad(x, (0, -width % self.patch, 0, -height % self.patch)))


class VitSmall14(Backbone):
    """ViT-S of 14×14 patches without registers, as DINOv2 publishes it; its cells are centred on patches."""

    name = "vit_small_14"
    affinity_taps = ("blocks.5", "blocks.8", "norm")
    output_strides = (14,)
    usual_stride = 14
    width = 384
    heads = 6
    depth = 12
    positions = 37
    """Patches along a side of the photos that DINOv2 was trained on last; for others it interpolates."""

    def __init__(self, output_stride: int = usual_stride) -> None:
        super().__init__(output_stride)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, self.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.positions**2, self.width))
        self.patch_embed = PatchEmbedding(self.width, output_stride)
        self.blocks = nn.ModuleList(Block(self.width, self.heads) for _ in range(self.depth))
        self.norm = nn.LayerNorm(self.width, eps=_EPSILON)
        names = (*(f"blocks.{index}" for index in range(self.depth)), "norm")
        self.taps = tuple(Tap(name, self.width, output_stride, (output_stride - 1) / 2) for name in names)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.trunc_normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def walk(self, x: Tensor) -> Iterator[tuple[str, Tensor]]:
        """See :meth:`Backbone.walk`; the class token takes part and is left out of the maps."""
        patches = self.patch_embed(x)
        grid = patches.shape[-2:]
        tokens = patches.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1) + self._positions_on(grid)
        for index, block in enumerate(self.blocks):
            x = block(x)
            yield f"blocks.{index}", _map_of(x, grid)
        yield "norm", _map_of(self.norm(x), grid)

    def _positions_on(self, grid: torch.Size) -> Tensor:
        """Position embeddings ``1×(1+h·w)×width`` of a grid of h×w patches."""
        of_class, of_patches = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        square = of_patches.transpose(1, 2).unflatten(2, (self.positions, self.positions))
        fitted = functional.interpolate(square, grid, mode="bicubic", align_corners=False)
        return torch.cat([of_class, fitted.flatten(2).transpose(1, 2)], dim=1)


def _map_of(tokens: Tensor, grid: torch.Size) -> Tensor:
    """Tokens ``B×(1+h·w)×C``, the class token first → ``B×C×h×w``."""
    return tokens[:, 1:].transpose(1, 2).unflatten(2, grid)
