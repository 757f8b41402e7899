"""A deeper student computes what a shallower one did, and refuses what is no shallower student."""

from pathlib import Path

import pytest
import torch

from trainer.errors import WeightsError
from trainer.learn.growing import grow_from
from trainer.models.backbones import build_backbone
from trainer.models.base import Backbone
from trainer.models.weights import save_backbone


@pytest.fixture
def student() -> Backbone:
    torch.manual_seed(1)
    student = build_backbone("affinity_small")
    for norm in (module for module in student.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.5, 2)
    return student.eval()


def without(student: Backbone, *numbers: int) -> Backbone:
    """The same network less some of its layers."""
    student.features = torch.nn.Sequential(
        *(layer for number, layer in enumerate(student.features) if number not in numbers)
    )
    return student


def test_the_grown_student_computes_the_same_maps(student: Backbone, tmp_path: Path) -> None:
    x = torch.randn(1, 3, 64, 48, generator=torch.Generator().manual_seed(2))
    shallow = without(student, 5, 16, 17)
    expected = shallow.features(x)
    save_backbone(tmp_path / "shallow.safetensors", shallow)
    torch.manual_seed(5)
    grown = build_backbone("affinity_small").eval()
    grow_from(grown, tmp_path / "shallow.safetensors")
    torch.testing.assert_close(grown.features(x), expected)


def test_an_added_layer_can_learn(student: Backbone, tmp_path: Path) -> None:
    save_backbone(tmp_path / "shallow.safetensors", without(student, 5))
    grown = build_backbone("affinity_small", frozen_norm=False).eval()
    grow_from(grown, tmp_path / "shallow.safetensors")
    grown.deepest(torch.randn(1, 3, 32, 32)).sum().backward()
    gradient = grown.features[5].conv[-1].weight.grad
    assert gradient is not None and gradient.abs().sum() > 0


def test_what_is_no_shallower_student_is_refused(student: Backbone, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_backbone(other, build_backbone("mobilenet_v2"))
    with pytest.raises(WeightsError, match=r"other\.safetensors"):
        grow_from(student, other)
    save_backbone(other, without(student, 2))  # A layer that no residual replaces.
    with pytest.raises(WeightsError, match=r"other\.safetensors lacks a layer that cannot begin at zero"):
        grow_from(build_backbone("affinity_small"), other)
