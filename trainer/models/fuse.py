"""Faster copies of networks: batch norm folded into convolutions, channels last in memory."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from trainer.models.base import Backbone

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def fused_for_inference(module: ModuleT, known: Mapping[nn.Module, nn.Module] | None = None) -> ModuleT:
    """An evaluation-only copy that gives the same maps (up to rounding) in less time.

    `known` are copies of parts that were fused before, such as a backbone that networks have in common.

    A batch norm registered right after a convolution is assumed to run right after it, which
    :class:`~trainer.models.base.Backbone` requires of all backbones. The original is left as it is.
    """
    copies = {id(part): fused for part, fused in (known or {}).items()}
    return _fused(module, copies).eval().requires_grad_(False)


@contextmanager
def fused_for_training(module: ModuleT, backbone: Backbone) -> Iterator[ModuleT]:
    """Yield a copy of `module` to train in its place; what was trained is copied into `module` at the end.

    A frozen batch norm is a fixed factor and a shift: folded into its convolution it costs nothing, and the
    shift is trained as a bias. Where the norms of `backbone` are not frozen, the module itself is yielded.
    """
    if not backbone.norm_frozen:
        yield module
        return
    fused = _fused(module)
    copies = dict(zip(module.modules(), fused.modules(), strict=True))
    for original, fused_one in copies.items():
        for name, parameter in fused_one.named_parameters(recurse=False):
            # A bias made by folding is trained where its convolution is.
            source = name if getattr(original, name) is not None else "weight"
            parameter.requires_grad_(original.get_parameter(source).requires_grad)
    yield fused
    with torch.no_grad():
        for original, fused_one in copies.items():
            for name, parameter in fused_one.named_parameters(recurse=False):
                # What is frozen stays as it is to the bit: unfolding would round it.
                if parameter.requires_grad and getattr(original, name) is not None:
                    getattr(original, name).copy_(parameter)
        for parent in module.modules():
            for (_, conv), (_, norm) in _folded(parent):
                if not conv.weight.requires_grad:
                    continue
                mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
                factor = norm.weight / (variance + norm.eps).sqrt()
                # A channel that its norm multiplies by zero cannot be unfolded.
                conv.weight /= torch.where(factor == 0, 1, factor).view(-1, 1, 1, 1)
                norm.bias.copy_(copies[conv].get_parameter("bias") + mean * factor)


def _fused(module: ModuleT, copies: dict[int, Any] | None = None) -> ModuleT:
    fused = copy.deepcopy(module, copies)
    for parent in list(fused.modules()):
        for (_, conv), (norm_name, norm) in list(_folded(parent)):
            mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, mean, variance, norm.eps, norm.weight, norm.bias
            )
            setattr(parent, norm_name, nn.Identity())
    return channels_last(fused)


def _folded(parent: nn.Module) -> Iterator[tuple[tuple[str, nn.Conv2d], tuple[str, nn.BatchNorm2d]]]:
    """Yield the convolutions among the children that a batch norm follows, with that norm, both by name."""
    previous: tuple[str, nn.Module] = "", parent
    for name, child in parent.named_children():
        if isinstance(previous[1], nn.Conv2d) and isinstance(child, nn.BatchNorm2d):
            yield (previous[0], previous[1]), (name, child)
        previous = name, child


def channels_last(module: ModuleT) -> ModuleT:
    """The same module with its convolution weights laid out channels last, which is faster."""
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module
