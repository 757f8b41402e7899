"""Backbones: the maps they promise, strides by dilation, frozen batch norm."""

import numpy as np
import pytest
import torch

from trainer.models.backbones import BACKBONES, at_stride, build_backbone
from trainer.models.base import HALF, IMAGENET, Backbone

QUICK = ["affinity_small", "mobilenet_v2", "resnet18", "resnet50"]


def with_statistics(backbone: Backbone) -> Backbone:
    """Give batch norm statistics as training would, so that its position matters."""
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return backbone.eval()


@pytest.mark.parametrize("name", BACKBONES)
def test_maps_have_the_shapes_the_taps_promise_at_any_size(name: str) -> None:
    for output_stride in BACKBONES[name].output_strides:
        with torch.device("meta"):
            backbone = build_backbone(name, output_stride).eval()
            maps = backbone(torch.empty(1, 3, 49, 70))
        assert list(maps) == [tap.name for tap in backbone.taps]
        for tap in backbone.taps:
            assert maps[tap.name].shape == (1, tap.channels, -(-49 // tap.stride), -(-70 // tap.stride))
        assert backbone.taps[-1].stride == output_stride
        assert maps[backbone.taps[-1].name].shape[1] == backbone.channels


@pytest.mark.parametrize("name", QUICK)
@torch.inference_mode()
def test_dilation_leaves_pretrained_weights_valid(name: str) -> None:
    coarse = with_statistics(build_backbone(name, 32))
    x = torch.randn(1, 3, 64, 64)
    expected = coarse.deepest(x)
    for output_stride in (16, 8):
        every = 32 // output_stride
        fine = at_stride(coarse, output_stride).deepest(x)
        torch.testing.assert_close(fine[..., ::every, ::every], expected, rtol=1e-3, atol=1e-4)


def test_only_the_layers_needed_for_the_wanted_taps_run() -> None:
    backbone = build_backbone("mobilenet_v2").eval()
    backbone.features[7:].requires_grad_(False)
    ran = []
    backbone.features[7].register_forward_hook(lambda *_: ran.append(7))
    maps = backbone(torch.randn(1, 3, 32, 32), ["features.6"])
    assert list(maps) == ["features.6"]
    assert not ran


def test_frozen_norm_neither_moves_nor_learns_in_training_mode() -> None:
    backbone = build_backbone("resnet18").train()
    before = {name: value.clone() for name, value in backbone.named_buffers()}
    backbone.deepest(torch.randn(2, 3, 64, 64)).mean().backward()
    assert all(torch.equal(value, before[name]) for name, value in backbone.named_buffers())
    assert backbone.bn1.weight.grad is None
    assert backbone.conv1.weight.grad is not None


def test_norm_can_be_trained_from_scratch() -> None:
    backbone = build_backbone("affinity_small", frozen_norm=False).train()
    backbone.deepest(torch.randn(2, 3, 64, 64)).mean().backward()
    norm = backbone.features[0].conv[0][1]
    assert norm.running_mean.abs().sum() > 0
    assert norm.weight.grad is not None


def test_another_stride_shares_the_parameters() -> None:
    coarse = build_backbone("affinity_small", 16)
    coarse.convention = HALF
    fine = at_stride(coarse, 8)
    assert fine.output_stride == 8
    assert fine.convention == HALF
    assert {id(p) for p in fine.parameters()} == {id(p) for p in coarse.parameters()}
    assert [p.requires_grad for p in fine.parameters()] == [p.requires_grad for p in coarse.parameters()]
    assert at_stride(coarse, 16) is coarse


@pytest.mark.parametrize("name", ["resnet18", "vit_small_14"])
def test_an_impossible_stride_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="output stride 7"):
        build_backbone(name, 7)


def test_input_conventions() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    image[..., 0] = 255
    half = HALF.normalise(image)
    assert half.shape == (1, 3, 2, 3)
    assert half[0, :, 0, 0].tolist() == [1, -1, -1]
    batch = torch.full((2, 3, 4, 4), 255 * 0.485)
    torch.testing.assert_close(IMAGENET.normalise(batch)[:, 0], torch.zeros(2, 4, 4), rtol=0, atol=1e-6)
