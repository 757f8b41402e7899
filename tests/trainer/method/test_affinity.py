"""Affinity and its loss, against a loop over pairs that autograd differentiates by itself."""

import numpy as np
import pytest
import torch

from trainer.method.affinity import affinity_loss, pair_affinity, pair_distance
from trainer.method.pairs import offsets, pair_grid


def loss_by_loop(features: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
    """The paper's equations 4–6, one pair at a time."""
    sums = [torch.zeros(()) for _ in range(3)]
    counts = [0.0, 0.0, 0.0]
    batch, _, height, width = features.shape
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                for dy, dx in offsets():
                    v, u = y + int(dy), x + int(dx)
                    if v >= height or not 0 <= u < width:
                        continue
                    first, second = int(labels[b, y, x]), int(labels[b, v, u])
                    if 255 in (first, second):
                        continue
                    a = torch.exp(-(features[b, :, y, x] - features[b, :, v, u]).abs().mean())
                    part = 2 if first != second else 1 if first == 0 else 0
                    weight = float((weights[b, y, x] * weights[b, v, u]).sqrt())
                    sums[part] = sums[part] - weight * torch.log((1 - a if part == 2 else a) + 1e-5)
                    counts[part] += weight
    return [total / (count + 1e-5) for total, count in zip(sums, counts, strict=True)]


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(2, 6, 5, 6)


@pytest.fixture
def labels(rng: np.random.Generator) -> torch.Tensor:
    return torch.tensor(rng.choice([0, 0, 1, 1, 2, 255], (2, 5, 6)))


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_gradient_match_the_loop(
    features: torch.Tensor, labels: torch.Tensor, weighted: bool
) -> None:
    weights = 1 + 3 * torch.rand(labels.shape) if weighted else torch.ones(labels.shape)
    ours, plain = (features.clone().requires_grad_() for _ in range(2))
    parts = loss_by_loop(plain, labels, weights)
    expected = parts[0] / 4 + parts[1] / 4 + parts[2] / 2
    expected.backward()
    loss = affinity_loss(ours, labels, weights=weights if weighted else None)
    loss.total.backward()
    torch.testing.assert_close(loss.total, expected)
    torch.testing.assert_close(
        torch.tensor([loss.foreground, loss.background, loss.negative]), torch.stack(parts).detach()
    )
    torch.testing.assert_close(ours.grad, plain.grad)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (3, 2), (12, 10)])
def test_affinity_of_each_pair_inside_and_zero_outside(size: tuple[int, int]) -> None:
    features = torch.randn(1, 5, *size)
    pairs = pair_grid(*size)
    flat = features[0].flatten(1)
    expected = torch.zeros(34, *size)
    expected[torch.tensor(pairs.inside)] = torch.exp(
        -(flat[:, pairs.source] - flat[:, pairs.target]).abs().mean(dim=0)
    )
    torch.testing.assert_close(pair_affinity(features)[0], expected)


def test_distance_has_the_gradient_of_finite_differences() -> None:
    features = torch.randn(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(pair_distance, (features, 3))


def test_neutral_labels_teach_nothing(features: torch.Tensor) -> None:
    features.requires_grad_()
    loss = affinity_loss(features, torch.full((2, 5, 6), 255))
    loss.total.backward()
    assert loss.total.item() == 0
    assert features.grad is not None and not features.grad.any()


def test_descending_the_loss_separates_the_classes() -> None:
    labels = torch.zeros(1, 8, 12, dtype=torch.long)
    labels[:, :, 6:] = 1
    features = 0.1 * torch.randn(1, 8, 8, 12)
    for _ in range(80):
        features.requires_grad_()
        (gradient,) = torch.autograd.grad(affinity_loss(features, labels).total, features)
        features = features.detach() - 0.05 * gradient / gradient.abs().max()
    affinity = pair_affinity(features)[0]
    right = int(np.flatnonzero((offsets() == (0, 1)).all(axis=1))[0])
    assert affinity[right, :, 5].max() < 0.3
    assert affinity[right, :, [2, 8]].min() > 0.7
