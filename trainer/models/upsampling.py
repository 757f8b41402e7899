"""Enlarging the maps of strided convolutions without shifting them."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def enlarge(maps: Tensor, factor: int, size: Sequence[int]) -> Tensor:
    """Bilinear enlargement that keeps every cell where its convolution was centred.

    Cell i of a convolution with symmetric padding is centred on cell ``factor·i`` of the finer grid. The
    usual interpolation takes it for the middle of a block of ``factor`` cells instead, and so shifts a map by
    half a block: 7.5 pixels from stride 16 to the image.

    Args:
        maps: ``B×C×h×w``.
        factor: finer cells to a coarse one, ≥ 1.
        size: (H, W) of the finer grid, at most ``factor`` times the maps' size; with ``⌈H/factor⌉ = h``.

    Returns:
        ``B×C×H×W``; the last cells repeat beyond the last centre.
    """
    if factor == 1:
        return maps
    height, width = maps.shape[-2:]
    padded = functional.pad(maps, (0, 1, 0, 1), mode="replicate")
    fine = functional.interpolate(
        padded, size=(factor * height + 1, factor * width + 1), mode="bilinear", align_corners=True
    )
    return fine[..., : size[0], : size[1]]
