"""Learning from a person's strokes, and judging fairly what was learnt."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainer.learn.finetune import AUTOMATIC_WEIGHT, SMOOTH_SHARE, Agreement, Example, FineTuner
from trainer.method.propagation import Evidence
from trainer.models.affinitynet import AffinityNet
from trainer.models.backbones import build_backbone


def example(painted: np.ndarray, automatic: np.ndarray | None = None) -> Example:
    """An example of classes 0 and 5 on noise."""
    torch.manual_seed(3)
    taps = tuple(torch.randn(1, channels, *painted.shape) for channels in (128, 256, 512))
    automatic = np.full_like(painted, 255) if automatic is None else automatic
    evidence = Evidence((0, 5), np.full((2, *painted.shape), 0.5, np.float32), automatic)
    return Example(lambda: taps, painted, automatic, evidence)


def halves(size: tuple[int, int] = (12, 16)) -> np.ndarray:
    """Labels: left half background, right half class 5."""
    labels = np.zeros(size, np.uint8)
    labels[:, size[1] // 2 :] = 5
    return labels


def scores_of(labels: np.ndarray, certainty: float = 1.0) -> np.ndarray:
    """Scores that are right about `labels` with a probability."""
    right = np.stack([labels == 0, labels == 5]).astype(np.float32)
    return right * certainty + (1 - right) * (1 - certainty)


def agreement(*pairs: tuple[Example, np.ndarray]) -> float:
    judge = Agreement()
    for pair in pairs:
        judge.add(*pair)
    return judge.score


def test_agreement_is_one_for_the_truth_zero_for_its_opposite_and_ignores_the_scale() -> None:
    labels = halves()
    assert agreement((example(labels), 7 * scores_of(labels))) == pytest.approx(1)
    assert agreement((example(labels), scores_of(5 - labels))) == 0
    assert Agreement().score == 0


def test_of_two_that_are_equally_right_the_surer_one_scores_higher_by_the_smooth_share_at_most() -> None:
    labels = halves()
    timid, sure = (agreement((example(labels), scores_of(labels, p))) for p in (0.6, 0.9))
    assert timid < sure < timid + SMOOTH_SHARE
    wrong_but_sure = scores_of(labels)
    wrong_but_sure[:, :6] = wrong_but_sure[::-1, :6]
    assert agreement((example(labels), wrong_but_sure)) < timid


def test_images_count_the_same_however_much_is_painted() -> None:
    little, much = np.full((12, 16), 255, np.uint8), halves()
    little[0, 0], little[0, 15] = 0, 5
    truth, opposite = scores_of(halves()), scores_of(5 - halves())
    first = agreement((example(little), truth), (example(much), opposite))
    second = agreement((example(little), opposite), (example(much), truth))
    assert first == pytest.approx(second)


def test_automatic_seeds_count_little_but_break_a_draw() -> None:
    painted, automatic = np.full((12, 16), 255, np.uint8), halves()
    painted[0, 0], painted[0, 15] = 0, 5
    automatic[painted != 255] = 255
    taught = example(painted, automatic)
    truth = scores_of(halves())
    forgetful = scores_of(5 - halves())
    forgetful[:, 0, [0, 15]] = truth[:, 0, [0, 15]]
    contrary = truth.copy()
    contrary[:, 0, [0, 15]] = truth[::-1, 0, [0, 15]]
    good, worse, worst = (agreement((taught, scores)) for scores in (truth, forgetful, contrary))
    assert good == pytest.approx(1)
    assert good > worse > 1 - 3 * AUTOMATIC_WEIGHT > worst


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
        sample.evidence,
    )
    with pytest.raises(FloatingPointError):
        FineTuner(net, np.random.default_rng(0)).step(broken)
