"""The vision transformer: computed as torch's own, and read from the files that others publish."""

from pathlib import Path

import pytest
import torch
from torch import nn

from trainer.models.base import IMAGENET
from trainer.models.vit import Block, VitSmall14
from trainer.models.weights import load_backbone_weights


@torch.inference_mode()
def test_a_block_computes_what_torchs_own_layer_does() -> None:
    torch.manual_seed(0)
    block = Block(24, 3)
    reference = nn.TransformerEncoderLayer(
        24, 3, 96, 0, "gelu", batch_first=True, norm_first=True, layer_norm_eps=1e-6
    ).eval()
    reference.self_attn.in_proj_weight.copy_(block.attn.qkv.weight)
    reference.self_attn.in_proj_bias.copy_(block.attn.qkv.bias)
    for ours, theirs in (
        (block.attn.proj, reference.self_attn.out_proj),
        (block.mlp.fc1, reference.linear1),
        (block.mlp.fc2, reference.linear2),
    ):
        theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 7, 24)
    torch.testing.assert_close(block(x), reference(x))
    block.ls1.gamma.zero_()
    block.ls2.gamma.zero_()
    assert torch.equal(block(x), x)


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    """Tensors under the names and in the shapes of DINOv2's ``dinov2_vits14_pretrain.pth``."""
    generator = torch.Generator().manual_seed(0)
    inner = {
        "norm1.weight": (384,), "norm1.bias": (384,), "ls1.gamma": (384,),
        "attn.qkv.weight": (1152, 384), "attn.qkv.bias": (1152,),
        "attn.proj.weight": (384, 384), "attn.proj.bias": (384,),
        "norm2.weight": (384,), "norm2.bias": (384,), "ls2.gamma": (384,),
        "mlp.fc1.weight": (1536, 384), "mlp.fc1.bias": (1536,),
        "mlp.fc2.weight": (384, 1536), "mlp.fc2.bias": (384,),
    }  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, 384),
        "pos_embed": (1, 1370, 384),
        "mask_token": (1, 384),
        "patch_embed.proj.weight": (384, 3, 14, 14),
        "patch_embed.proj.bias": (384,),
        **{f"blocks.{index}.{name}": shape for index in range(12) for name, shape in inner.items()},
        "norm.weight": (384,),
        "norm.bias": (384,),
    }
    return {name: 0.02 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.mark.parametrize("left_out", ["mask_token", ""])
def test_published_weights_are_recognised(
    left_out: str, published: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    """The token that only DINOv2's own training needs may be there or not."""
    torch.save({name: value for name, value in published.items() if name != left_out}, tmp_path / "d.pth")
    backbone = load_backbone_weights(tmp_path / "d.pth")
    assert (backbone.name, backbone.output_stride, backbone.convention) == ("vit_small_14", 14, IMAGENET)
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, published[name]), name


@torch.inference_mode()
def test_a_cell_sees_its_patch_wherever_it_is_and_whatever_the_size_of_the_photo() -> None:
    torch.manual_seed(0)
    backbone = VitSmall14().eval()
    for block in backbone.blocks:  # Nothing but the patches is left.
        block.ls1.gamma.zero_()
    photo = torch.zeros(1, 3, 60, 85)
    photo[..., 28:42, 70:84] = 1
    seen = backbone.deepest(photo)
    assert seen.shape == (1, 384, 5, 7)
    differs = (seen - backbone.deepest(torch.zeros_like(photo))).abs().amax(1)[0] > 1e-4
    assert differs.nonzero().tolist() == [[2, 5]]


@torch.inference_mode()
def test_positions_are_the_stored_ones_on_the_grid_they_were_trained_on() -> None:
    backbone = VitSmall14().eval()
    backbone.pos_embed.normal_()
    backbone.patch_embed.proj.weight.zero_()
    for block in backbone.blocks:
        block.ls1.gamma.zero_()
        block.ls2.gamma.zero_()
    side = 14 * backbone.positions
    seen = backbone(torch.zeros(1, 3, side, side), ["blocks.11"])["blocks.11"]
    torch.testing.assert_close(seen.flatten(2).transpose(1, 2), backbone.pos_embed[:, 1:])
