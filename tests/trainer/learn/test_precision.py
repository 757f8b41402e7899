"""Trainings in bfloat16: the gradients of float32, up to rounding."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainer.distributed import ProcessGroup
from trainer.learn.affinity import affinity_steps
from trainer.learn.augment import Augmentation, WholePhoto
from trainer.learn.classifier import classifier_steps
from trainer.learn.loop import Recipe, Step, autocast
from trainer.learn.segmentation import segmentation_steps
from trainer.method.settings import Precision
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.models.segnet import SegmentationNet

CROPS = Augmentation(long_side=(64, 96), crop=64)


@dataclass(frozen=True)
class Recorder(ProcessGroup):
    """A single process that keeps the gradients it was to share."""

    gradients: list[Tensor] = field(default_factory=list)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        self.gradients[:] = [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]


def gradients(subject: str, backbone_name: str, precision: Precision) -> list[Tensor]:
    """Gradients of the first batch; all parameters learn, and at stride 8 most layers are dilated."""
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(10, 0).repeat(10, 1) for _ in range(4)]
    masks = [rng.integers(0, 3, (4, 4), np.uint8).repeat(20, 0).repeat(20, 1) for _ in range(4)]
    torch.manual_seed(0)
    backbone = build_backbone(backbone_name, 8 if backbone_name == "affinity_small" else None)
    recipe = Recipe(epochs=1, batch=4, views=CROPS, precision=precision)
    group = Recorder()
    under_way: Iterator[Step]
    if subject == "classifier":
        classifier = CamClassifier(backbone, 2)
        under_way = classifier_steps(classifier, photos, [[1], [2], [1, 2], []], recipe, group)
    elif subject == "AffinityNet":
        under_way = affinity_steps(AffinityNet(backbone), photos, masks, recipe, group)
    else:
        net = SegmentationNet(backbone, 2, width=32, dropout=0, feature_dropout=0)
        whole = Recipe(epochs=1, batch=4, views=WholePhoto(), precision=precision)
        under_way = segmentation_steps(net, photos, masks, whole, group)
    assert np.isfinite(next(under_way).loss)
    under_way.close()
    return group.gradients


@pytest.mark.parametrize("backbone", ["affinity_small", "vit_small_14"])
@pytest.mark.parametrize("subject", ["classifier", "AffinityNet", "segmentation network"])
def test_a_step_in_bfloat16_has_nearly_the_gradients_of_float32(subject: str, backbone: str) -> None:
    exact, rounded = (gradients(subject, backbone, precision) for precision in ("float32", "bfloat16"))
    assert all(gradient.dtype == torch.float32 for gradient in rounded)
    ours, theirs = (torch.cat([part.flatten() for part in parts]) for parts in (rounded, exact))
    assert ours.isfinite().all()
    assert not torch.equal(ours, theirs)
    # A mantissa of 8 bits through some 20 layers; with torch's own convolutions it is the same.
    assert torch.cosine_similarity(ours, theirs, dim=0) > 0.95
    assert ours.norm() / theirs.norm() == pytest.approx(1, abs=0.05)


def test_by_itself_a_cpu_computes_in_float32() -> None:
    with autocast("auto", torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
