"""Bringing the maps of a backbone to another grid without shifting them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainer.models.base import Tap


def resample(maps: Tensor, tap: Tap, stride: int, size: Sequence[int], first: float = 0.0) -> Tensor:
    """Bilinear interpolation of a tap's maps on the grid with cell i centred on pixel ``first + stride·i``.

    A convolution with symmetric padding centres its cells on pixels ``stride·i``. The usual interpolation
    takes a cell for a block of pixels and centres it there, and so shifts such a map by half a block: 7.5
    pixels from stride 16 to the image.

    Args:
        maps: ``B×C×h×w``.
        tap: where the cells of ``maps`` are: any stride, and the pixel of the first centre.
        stride: pixels to a cell of the wanted grid.
        size: (H, W) of the wanted grid.
        first: pixel on which its first cell is centred.

    Returns:
        ``B×C×H×W``; the outer cells of ``maps`` repeat beyond their centres.
    """
    if tap.first == first and tap.stride == stride:
        return maps[..., : size[0], : size[1]]
    if tap.first == first and tap.stride % stride == 0:
        return _enlarge(maps, tap.stride // stride, size)
    rows, columns = (
        _weights(cells, (first + torch.arange(wanted) * stride - tap.first) / tap.stride).to(maps)
        for cells, wanted in zip(maps.shape[-2:], size, strict=True)
    )
    return rows @ maps @ columns.T


def _enlarge(maps: Tensor, factor: int, size: Sequence[int]) -> Tensor:
    """The frequent case, several times as fast: a whole number of cells to each, the first ones together."""
    height, width = maps.shape[-2:]
    padded = functional.pad(maps, (0, 1, 0, 1), mode="replicate")
    fine = functional.interpolate(
        padded, size=(factor * height + 1, factor * width + 1), mode="bilinear", align_corners=True
    )
    return fine[..., : size[0], : size[1]]


def _weights(cells: int, at: Tensor) -> Tensor:
    """``len(at)×cells``: the weight of each cell of a row at each place, in cells; lines sum to one."""
    distances = at.clamp(0, cells - 1)[:, None] - torch.arange(cells)
    return (1 - distances.abs()).clamp(min=0)
