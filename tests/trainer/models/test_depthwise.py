"""The quick gradients of a dilated depthwise convolution are those of the plain one."""

import pytest
import torch
from torch.nn import functional

from trainer.models.depthwise import DepthwiseConv2d


@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("biased", [False, True])
def test_map_and_gradients_are_those_of_the_plain_convolution(
    dilation: int, stride: int, layout: torch.memory_format, biased: bool
) -> None:
    generator = torch.Generator().manual_seed(3)
    conv = DepthwiseConv2d(6, 3, stride, dilation)
    if biased:  # As folding a batch norm leaves it.
        conv.bias = torch.nn.Parameter(torch.randn(6, generator=generator))
    x = torch.randn(2, 6, 11, 9, generator=generator).contiguous(memory_format=layout).requires_grad_()
    learning = (x, *conv.parameters())
    plain = functional.conv2d(x, conv.weight, conv.bias, stride, dilation, dilation, groups=6)
    pull = torch.randn(plain.shape, generator=generator)
    expected = torch.autograd.grad(plain, learning, pull)

    found = conv(x)
    gradients = torch.autograd.grad(found, learning, pull)

    torch.testing.assert_close(found, plain)
    for gradient, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("rounded", [False, True])
def test_gradients_under_autocast_are_those_of_full_precision_up_to_rounding(
    dtype: torch.dtype, rounded: bool
) -> None:
    generator = torch.Generator().manual_seed(3)
    conv = DepthwiseConv2d(6, 3, dilation=2)
    x = torch.randn(2, 6, 11, 9, generator=generator, requires_grad=True)
    exact = conv(x)
    pull = torch.randn(exact.shape, generator=generator)
    expected = torch.autograd.grad(exact, (x, conv.weight), pull)
    with torch.autocast("cpu", dtype):
        found = conv(x.to(dtype) if rounded else x)
    gradients = torch.autograd.grad(found, (x, conv.weight), pull.to(dtype))
    assert found.dtype == dtype
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, wanted, rtol=0.02, atol=0.1)


def test_frozen_weights_get_no_gradient() -> None:
    conv = DepthwiseConv2d(4, 3, dilation=2).requires_grad_(False)
    x = torch.ones(1, 4, 5, 5, requires_grad=True)
    conv(x).sum().backward()
    assert x.grad is not None and conv.weight.grad is None
