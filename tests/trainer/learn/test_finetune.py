"""Learning from a person's strokes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainer.learn.finetune import AUTOMATIC_WEIGHT, Example, FineTuner
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone


def example(painted: np.ndarray, automatic: np.ndarray | None = None) -> Example:
    """An example of classes 0 and 5 on noise."""
    torch.manual_seed(3)
    taps = tuple(torch.randn(1, channels, *painted.shape) for channels in (128, 256, 512))
    automatic = np.full_like(painted, 255) if automatic is None else automatic
    return Example(lambda: taps, painted, automatic)


def halves(size: tuple[int, int] = (12, 16)) -> np.ndarray:
    """Labels: left half background, right half class 5."""
    labels = np.zeros(size, np.uint8)
    labels[:, size[1] // 2 :] = 5
    return labels


@pytest.fixture
def net() -> AffinityNet:
    torch.manual_seed(0)
    return AffinityNet(build_backbone("resnet18")).eval()


def test_steps_lower_the_loss_and_leave_incumbent_and_backbone_alone(net: AffinityNet) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    sample = example(halves((20, 24)))
    tuner = FineTuner(net, np.random.default_rng(0))
    losses = [tuner.step(sample) for _ in range(15)]
    assert losses[-1] < 0.8 * losses[0]
    assert all((value == before[name]).all() for name, value in net.state_dict().items())
    assert tuner.net.backbone is net.backbone
    assert any(
        (a != b).any() for a, b in zip(tuner.net.head.parameters(), net.head.parameters(), strict=True)
    )


def test_the_same_seed_learns_the_same_from_crops_of_a_large_image(net: AffinityNet) -> None:
    labels = np.full((60, 80), 255, np.uint8)
    labels[40:, 10:20], labels[:20, 60:70] = 0, 5
    first, second = (
        [FineTuner(net, np.random.default_rng(7)).step(example(labels)) for _ in range(1)] for _ in range(2)
    )
    assert first == second


def test_painted_labels_beat_automatic_ones() -> None:
    painted = np.full((4, 4), 255, np.uint8)
    painted[0] = 5
    sample = example(painted, np.where(painted == 255, 0, 255).astype(np.uint8))
    assert (sample.labels[0] == 5).all() and (sample.labels[1:] == 0).all()
    assert (sample.trust[0] == 1).all() and (sample.trust[1:] == np.float32(AUTOMATIC_WEIGHT)).all()


def test_a_loss_that_is_no_number_is_an_error(net: AffinityNet) -> None:
    sample = example(halves())
    broken = Example(
        lambda: tuple(tap * float("nan") for tap in sample.taps()),
        sample.painted,
        sample.automatic,
    )
    with pytest.raises(FloatingPointError):
        FineTuner(net, np.random.default_rng(0)).step(broken)
