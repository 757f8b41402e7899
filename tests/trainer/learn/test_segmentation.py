"""Training a segmentation network: chance comes from the seed alone, rare classes count."""

import numpy as np
import pytest
import torch

from trainer.learn.augment import Augmentation
from trainer.learn.loop import Recipe
from trainer.learn.segmentation import ABSENT, class_weights, pixel_loss, segmentation_steps
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


def test_a_pixel_of_an_object_counts_four_times_one_of_background_and_more_if_its_class_is_rare() -> None:
    common, rare = np.zeros((40, 40), np.uint8), np.zeros((10, 10), np.uint8)
    rare[:4] = 2  # 40 pixels of a rare class beside 160 of a common one and 1480 of background
    rare[4:5] = 255
    common[:4] = 3
    common[4, :10] = 255
    background, unseen, seen, often = class_weights([common, rare], 4).tolist()
    assert seen / often == pytest.approx((160 / 40) ** 0.75)
    assert (160 * often + 40 * seen) / 200 == pytest.approx(4 * background)
    assert (1480 * background + 160 * often + 40 * seen) / 1680 == pytest.approx(1)
    assert unseen == 0


@pytest.mark.parametrize("label", [0, 2, 255])
def test_masks_of_one_label_have_weights_that_are_numbers(label: int) -> None:
    weights = class_weights([np.full((4, 4), label, np.uint8)], 3)
    assert weights.isfinite().all()
    assert label == 255 or weights[label] == 1


def test_the_loss_tells_the_shown_classes_apart_first_and_rejects_the_absent_ones_at_a_tenth(
    rng: np.random.Generator,
) -> None:
    scores, weights = rng.normal(size=(4, 3, 5)).astype(np.float32), np.float32([1, 2, 3, 4])
    labels = rng.choice([0, 2, 255], (3, 5))
    expected, pixels = 0.0, 0
    for y, x in np.ndindex(labels.shape):
        if labels[y, x] != 255:
            odds = np.exp(scores[:, y, x].astype(np.float64))
            apart = -np.log(odds[labels[y, x]] / odds[[0, 2]].sum())
            absent = -np.log(odds[[0, 2]].sum() / odds.sum())
            expected += weights[labels[y, x]] * (apart + ABSENT * absent)
            pixels += 1
    loss = pixel_loss(torch.tensor(scores), torch.tensor(labels), [0, 2], torch.tensor(weights))
    assert loss.item() == pytest.approx(expected / pixels, rel=1e-5)


def test_a_crop_that_shows_nothing_known_has_no_loss_and_a_gradient_of_zero() -> None:
    scores = torch.ones(3, 2, 2, requires_grad=True)
    loss = pixel_loss(scores, torch.full((2, 2), 255), [0, 1], torch.ones(3))
    loss.backward()
    assert loss.item() == 0
    assert scores.grad is not None
    assert not scores.grad.any()
