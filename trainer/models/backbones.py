"""The backbones by name."""

import torch

from trainer.models.base import Backbone
from trainer.models.mobilenet import MobileNetV2
from trainer.models.resnet import ResNet18, ResNet50
from trainer.models.resnet38 import ResNet38
from trainer.models.small import AffinitySmall
from trainer.models.vit import VitSmall14

BACKBONES: dict[str, type[Backbone]] = {
    backbone.name: backbone
    for backbone in (
        AffinitySmall,
        MobileNetV2,
        ResNet18,
        ResNet50,
        ResNet38,
        VitSmall14,
    )
}


def build_backbone(name: str, output_stride: int | None = None, frozen_norm: bool = True) -> Backbone:
    """A backbone with random weights.

    Args:
        name: one of :data:`BACKBONES`.
        output_stride: pixels to a cell of the deepest map; None: what is usual for the backbone.
        frozen_norm: batch norm as stored (for pretrained weights); False to train from scratch.

    Raises:
        KeyError: unknown name.
        ValueError: an output stride the backbone cannot have.
    """
    backbone = BACKBONES[name]
    return backbone(output_stride or backbone.usual_stride).freeze_norm(frozen_norm)


def at_stride(backbone: Backbone, output_stride: int | None) -> Backbone:
    """The same backbone at another output stride (None: the usual one), sharing, not copying, its parameters
    and buffers.
    """
    output_stride = output_stride or backbone.usual_stride
    if backbone.output_stride == output_stride:
        return backbone
    with torch.device("meta"):
        other = build_backbone(backbone.name, output_stride, backbone.norm_frozen)
    shared = backbone.state_dict(keep_vars=True)
    trained = {name: parameter.requires_grad for name, parameter in backbone.named_parameters()}
    other.load_state_dict(shared, assign=True)
    for name, parameter in other.named_parameters():
        parameter.requires_grad_(trained[name])
    other.convention = backbone.convention
    return other.train(backbone.training)
