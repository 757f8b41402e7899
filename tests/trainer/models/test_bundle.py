"""Our own model files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from trainer.errors import WeightsError
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import at_stride, build_backbone
from trainer.models.base import HALF
from trainer.models.bundle import Bundle, load_models, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet
from trainer.models.weights import load_backbone_weights

CLASSES = ("cat", "dog", "person")


def networks() -> tuple[CamClassifier, AffinityNet]:
    backbone = build_backbone("affinity_small", 16)
    backbone.convention = HALF
    return CamClassifier(backbone, 3).eval(), AffinityNet(at_stride(backbone, 8)).eval()


@torch.inference_mode()
def test_models_come_back_as_they_were(tmp_path: Path) -> None:
    classifier, affinity = networks()
    save_models(tmp_path / "m.safetensors", Bundle(CLASSES, classifier, affinity, info={"miou": 51.8}))
    loaded = load_models(tmp_path / "m.safetensors")
    assert loaded.classes == CLASSES
    assert loaded.info == {"miou": 51.8}
    assert loaded.segmentation is None
    assert loaded.classifier is not None and loaded.affinity is not None
    assert loaded.classifier.backbone.convention == HALF
    assert loaded.affinity.backbone.output_stride == 8
    x = torch.randn(1, 3, 50, 70)
    assert torch.equal(loaded.classifier(x), classifier(x))
    assert torch.equal(loaded.affinity(x), affinity(x))


def test_a_common_backbone_is_stored_once_and_shared_again(tmp_path: Path) -> None:
    classifier, affinity = networks()
    save_models(tmp_path / "one.safetensors", Bundle(CLASSES, classifier, affinity))
    with torch.no_grad():
        own = build_backbone("affinity_small")
    save_models(tmp_path / "two.safetensors", Bundle(CLASSES, classifier, AffinityNet(own)))
    sizes = [(tmp_path / name).stat().st_size for name in ("one.safetensors", "two.safetensors")]
    assert sizes[1] - sizes[0] > 4_000_000
    loaded = load_models(tmp_path / "one.safetensors")
    assert loaded.classifier is not None and loaded.affinity is not None
    shared = {id(p) for p in loaded.classifier.backbone.parameters()}
    assert {id(p) for p in loaded.affinity.backbone.parameters()} == shared


@torch.inference_mode()
def test_half_precision_halves_the_file_and_changes_little(tmp_path: Path) -> None:
    classifier, affinity = networks()
    bundle = Bundle(CLASSES, classifier, affinity)
    save_models(tmp_path / "full.safetensors", bundle)
    save_models(tmp_path / "half.safetensors", bundle, half=True)
    full, half = ((tmp_path / f"{name}.safetensors").stat().st_size for name in ("full", "half"))
    assert half < 0.55 * full  # names and shapes take their part
    loaded = load_models(tmp_path / "half.safetensors").classifier
    assert loaded is not None
    x = torch.randn(1, 3, 50, 70)
    torch.testing.assert_close(loaded(x), classifier(x), rtol=0.05, atol=1e-3)


@torch.inference_mode()
def test_a_segmentation_network_comes_back(tmp_path: Path) -> None:
    net = SegmentationNet(build_backbone("affinity_small"), 3, width=32).eval()
    save_models(tmp_path / "s.safetensors", Bundle(CLASSES, segmentation=net))
    loaded = load_models(tmp_path / "s.safetensors").segmentation
    assert loaded is not None
    x = torch.randn(1, 3, 40, 40)
    assert torch.equal(loaded(x), net(x))


def test_training_can_start_from_the_backbone_of_a_bundle(tmp_path: Path) -> None:
    classifier, _ = networks()
    save_models(tmp_path / "m.safetensors", Bundle(CLASSES, classifier))
    backbone = load_backbone_weights(tmp_path / "m.safetensors", 8)
    assert (backbone.name, backbone.output_stride, backbone.convention) == ("affinity_small", 8, HALF)
    first, same = (net.features[0].conv[0][0].weight for net in (backbone, classifier.backbone))
    assert torch.equal(first, same)


def test_foreign_and_damaged_files_are_named(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsError, match=r"foreign\.safetensors holds no models of this program"):
        load_models(tmp_path / "foreign.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "odd.safetensors", {"affinity_annotator": '{"format": 1}'})
    with pytest.raises(WeightsError, match=r"odd\.safetensors are incomplete or damaged"):
        load_models(tmp_path / "odd.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "new.safetensors", {"affinity_annotator": '{"format": 99}'})
    with pytest.raises(WeightsError, match=r"new\.safetensors was written by a newer version"):
        load_models(tmp_path / "new.safetensors")
