"""A copy of a network that infers faster: batch norm folded into convolutions, channels last in memory."""

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def fused_for_inference(module: ModuleT) -> ModuleT:
    """An evaluation-only copy that gives the same maps (up to rounding) in less time.

    Wherever a batch norm was registered right after a convolution it is taken to run right after it, which
    :class:`~trainer.models.base.Backbone` demands of all backbones. The original is left as it is.
    """
    fused = copy.deepcopy(module).eval().requires_grad_(False)
    for parent in list(fused.modules()):
        previous: tuple[str, nn.Module] | None = None
        for name, child in list(parent.named_children()):
            if previous and isinstance(previous[1], nn.Conv2d) and isinstance(child, nn.BatchNorm2d):
                setattr(parent, previous[0], fuse_conv_bn_eval(previous[1], child))
                setattr(parent, name, nn.Identity())
            previous = name, child
    return channels_last(fused)


def channels_last(module: ModuleT) -> ModuleT:
    """The same module with its convolution weights laid out channels last, which convolutions run faster on."""
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module
