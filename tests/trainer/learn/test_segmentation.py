"""Training a segmentation network: the same seed gives the same network."""

import numpy as np
import torch

from trainer.learn.augment import Augmentation
from trainer.learn.loop import Recipe
from trainer.learn.segmentation import segmentation_steps
from trainer.models.backbones import build_backbone
from trainer.models.segnet import SegmentationNet

RECIPE = Recipe(epochs=2, batch=2, views=Augmentation(long_side=(32, 48), crop=32))


def trained(rng: np.random.Generator, drawn_before: int) -> dict[str, torch.Tensor]:
    """Train on noise after others have drawn numbers from torch's generator."""
    torch.manual_seed(0)
    net = SegmentationNet(build_backbone("resnet18"), 2, dropout=0.5)
    torch.rand(drawn_before)
    views = [rng.integers(0, 256, (32, 40, 3), np.uint8) for _ in range(3)]
    masks = [rng.integers(0, 3, (32, 40), np.uint8) for _ in range(3)]
    for _ in segmentation_steps(net, views, masks, RECIPE):
        torch.rand(drawn_before)
    return net.state_dict()


def test_the_network_depends_on_the_seed_alone_whatever_else_draws_by_chance() -> None:
    first, second = (trained(np.random.default_rng(1), drawn) for drawn in (0, 3))
    for name, tensor in first.items():
        assert torch.equal(second[name], tensor), name
