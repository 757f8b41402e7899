"""A depthwise convolution with fast gradients where it is dilated.

The CPU library behind torch runs a dilated depthwise convolution near the speed of memory, but its gradients
up to thirty times slower. The gradient by the input is itself such a convolution, and the one by the weights
is nine sums.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class DepthwiseConv2d(nn.Conv2d):
    """``nn.Conv2d`` of one filter a channel, zero padding that keeps the grid, and no bias.

    Folding a batch norm into it adds one.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(
            channels, channels, kernel, stride, kernel // 2 * dilation, dilation, channels, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """``B×C×h×w`` → ``B×C×⌈h/stride⌉×⌈w/stride⌉``."""
        if (
            not torch.is_grad_enabled()
            or x.device.type != "cpu"
            or self.dilation[0] == 1
            or self.stride[0] > 1
        ):
            return super().forward(x)
        y: Tensor = _Dilated.apply(x, self.weight, self.dilation[0])
        return y if self.bias is None else y + self.bias.view(-1, 1, 1)


class _Dilated(torch.autograd.Function):
    """Of stride 1 with equal padding: backward is the same convolution with the filter rotated by 180°.

    Backward computes under autocast where forward did, since a gradient has the precision of its map.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu")
    def forward(ctx: Any, x: Tensor, weight: Tensor, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        return _filtered(x, weight, dilation)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        (gradient,) = gradients
        by_x = by_weight = None
        if ctx.needs_input_grad[0]:
            by_x = _filtered(gradient, weight.flip(2, 3), ctx.dilation)
        if ctx.needs_input_grad[1]:
            by_weight = _by_weight(x, gradient, weight.shape[-1], ctx.dilation).view_as(weight)
        return by_x, by_weight, None


def _filtered(x: Tensor, weight: Tensor, dilation: int) -> Tensor:
    padding = weight.shape[-1] // 2 * dilation
    return functional.conv2d(x, weight, padding=padding, dilation=dilation, groups=len(weight))


def _by_weight(x: Tensor, gradient: Tensor, kernel: int, dilation: int) -> Tensor:
    """``C×k²``, float32: the sum over cells of gradient times the input under each place of the filter."""
    height, width = gradient.shape[2:]
    reach = kernel // 2 * dilation
    padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, reach, reach, reach, reach))
    last = gradient.permute(0, 2, 3, 1)
    sums = [
        (padded[:, top : top + height, left : left + width] * last).sum((0, 1, 2), dtype=torch.float32)
        for top in range(0, kernel * dilation, dilation)
        for left in range(0, kernel * dilation, dilation)
    ]
    return torch.stack(sums, 1)
