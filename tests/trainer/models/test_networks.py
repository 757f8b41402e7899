"""CAM classifier, AffinityNet, segmentation network and the faster copies of them."""

from itertools import product

import pytest
import torch

from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import at_stride, build_backbone
from trainer.models.base import Tap
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import fused_for_inference
from trainer.models.segnet import SegmentationNet
from trainer.models.upsampling import resample

VIT = ("vit_small_14", 14)


@torch.inference_mode()
def test_logits_are_the_mean_of_the_maps_before_relu() -> None:
    net = CamClassifier(build_backbone("affinity_small"), 5).eval()
    x = torch.randn(2, 3, 50, 70)
    maps = torch.nn.functional.conv2d(net.features(x), net.head.weight)
    torch.testing.assert_close(net(x), maps.mean((2, 3)))
    torch.testing.assert_close(net.cam(x), maps.relu())


@torch.inference_mode()
def test_only_the_asked_classes_are_computed() -> None:
    net = CamClassifier(build_backbone("affinity_small"), 5).eval()
    x = torch.randn(1, 3, 50, 70)
    torch.testing.assert_close(net.cam(x, [4, 1]), net.cam(x)[:, [4, 1]])
    assert net.cam(x, []).shape == (1, 0, 4, 5)


@pytest.mark.parametrize(
    ("name", "output_stride"),
    [*product(["affinity_small", "mobilenet_v2", "resnet18"], [8, 16]), VIT],
)
def test_the_embedding_lies_on_the_stride_8_grid(name: str, output_stride: int) -> None:
    net = AffinityNet(build_backbone(name, output_stride))
    assert net(torch.randn(2, 3, 45, 66)).shape == (2, 448, 6, 9)


def test_the_head_trains_on_cached_taps_and_on_maps_shared_with_the_classifier() -> None:
    backbone = build_backbone("mobilenet_v2").eval()
    net = AffinityNet(backbone)
    x = torch.randn(1, 3, 45, 66)
    with torch.no_grad():
        taps = net.taps_of(x)
        shared = net.align(backbone(x), x.shape[-2:])
    assert all(torch.equal(a, b) for a, b in zip(taps, shared, strict=True))
    net.embed(taps).sum().backward()
    assert all(parameter.grad is not None for parameter in net.head.parameters())


def test_affinity_at_either_stride_has_the_same_parameters() -> None:
    coarse = AffinityNet(build_backbone("mobilenet_v2", 16))
    fine = AffinityNet(at_stride(coarse.backbone, 8))
    assert fine.load_state_dict(coarse.state_dict()) == ([], [])
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert [net.eval()(images).shape[2:] for net in (coarse, fine)] == 2 * [(8, 8)]


@pytest.mark.parametrize(("first", "wanted"), [(0.0, 0.0), (6.5, 0.0), (6.5, 6.5)])
@pytest.mark.parametrize(("stride", "to"), [(16, 8), (14, 8), (14, 1), (14, 14), (4, 8)])
def test_resampling_reads_a_slope_at_the_same_pixels(
    first: float, wanted: float, stride: int, to: int
) -> None:
    at = first + stride * torch.arange(9.0)
    maps = (at[:, None] + 100 * at)[None, None]
    places = wanted + to * torch.arange(int(at[-1]) // to)
    seen = places.clamp(first, at[-1])
    found = resample(maps, Tap("", 1, stride, first), to, (len(places), len(places)), wanted)[0, 0]
    torch.testing.assert_close(found, seen[:, None] + 100 * seen)


@pytest.mark.parametrize(("height", "width"), [(13, 17), (16, 16)])
def test_enlarging_keeps_every_cell_at_its_centre(height: int, width: int) -> None:
    fine = torch.arange(height)[:, None] * 10.0 + torch.arange(width)
    coarse = fine[::4, ::4]
    enlarged = resample(coarse[None, None], Tap("", 1, 4), 1, (height, width))[0, 0]
    assert enlarged.shape == fine.shape
    inside = 4 * ((height - 1) // 4) + 1, 4 * ((width - 1) // 4) + 1
    torch.testing.assert_close(enlarged[: inside[0], : inside[1]], fine[: inside[0], : inside[1]])


@pytest.mark.parametrize(("name", "output_stride"), [("affinity_small", 8), ("affinity_small", 16), VIT])
def test_segmentation_scores_every_pixel_and_trains_on_one_image(name: str, output_stride: int) -> None:
    net = SegmentationNet(build_backbone(name, output_stride), 3, width=32).train()
    scores = net(torch.randn(1, 3, 45, 66))
    assert scores.shape == (1, 4, 45, 66)
    scores.square().mean().backward()
    assert net.classify.weight.grad is not None


@pytest.mark.parametrize(
    ("name", "every"), [*(("affinity_small", every) for every in (2, 4, 8)), ("vit_small_14", 7)]
)
@torch.inference_mode()
def test_the_pixels_that_training_looks_at_have_the_scores_they_have_among_all(name: str, every: int) -> None:
    net = SegmentationNet(build_backbone(name), 3, width=32).eval()
    x = torch.randn(2, 3, 45, 66)
    torch.testing.assert_close(net(x, every), net(x)[..., ::every, ::every])


@pytest.mark.parametrize("name", ["affinity_small", "mobilenet_v2", "resnet18", "resnet50"])
@torch.inference_mode()
def test_the_fused_copy_gives_the_same_maps_and_leaves_the_original(name: str) -> None:
    backbone = build_backbone(name)
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    x = torch.randn(1, 3, 64, 64)
    fused = fused_for_inference(backbone)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fused.modules())
    expected = backbone.eval()(x)
    for tap, feature_map in fused(x).items():
        torch.testing.assert_close(feature_map, expected[tap], rtol=1e-3, atol=1e-3)
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


@torch.inference_mode()
def test_resnet38_fuses_and_keeps_its_last_norm() -> None:
    backbone = build_backbone("resnet38", 8)
    x = torch.randn(1, 3, 24, 24)
    expected = backbone.eval().deepest(x)
    torch.testing.assert_close(fused_for_inference(backbone).deepest(x), expected, rtol=1e-3, atol=1e-3)
