import copy

import pytest
import torch

from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.models.fuse import fused_for_inference, fused_for_training


def _classifier(name: str) -> CamClassifier:
    classifier = CamClassifier(build_backbone(name), 3).eval()
    for module in classifier.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
    return classifier


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18"])
def test_a_fused_copy_gives_the_same_logits(name: str) -> None:
    classifier, x = _classifier(name), torch.rand(2, 3, 64, 64)
    before = classifier(x)
    torch.testing.assert_close(fused_for_inference(classifier)(x), before, rtol=1e-3, atol=1e-4)


def test_what_the_fused_copy_learns_is_in_the_original_at_the_end() -> None:
    classifier, x = _classifier("mobilenet_v2"), torch.rand(2, 3, 64, 64)
    untrained = copy.deepcopy(classifier)(x)
    with fused_for_training(classifier, classifier.backbone) as fused:
        optimiser = torch.optim.SGD(fused.parameters(), 1e-2)
        for _ in range(3):
            optimiser.zero_grad()
            fused(x).square().sum().backward()
            optimiser.step()
        trained = fused.eval()(x)
    assert not torch.allclose(trained, untrained, atol=1e-3)
    torch.testing.assert_close(classifier.eval()(x), trained, rtol=1e-3, atol=1e-4)


def test_frozen_parameters_stay_frozen_in_the_copy() -> None:
    classifier = _classifier("resnet18")
    classifier.backbone.requires_grad_(False)
    with fused_for_training(classifier, classifier.backbone) as fused:
        assert {name for name, p in fused.named_parameters() if p.requires_grad} == {"head.weight"}
