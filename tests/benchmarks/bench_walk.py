"""The random walk against dense squaring, on finer grids and at 4K; the affinity loss, mean affinity."""

from __future__ import annotations

import tracemalloc

import numpy as np
import torch

from tests.benchmarks.harness import Result, race, threads
from trainer.method.affinity import affinity_loss, pair_affinity
from trainer.method.propagation import Walk, mean_affinity

CHANNELS = 3
UHD = (270, 480)
"""3840×2160 at stride 8."""
BETA, STEPS = 8.0, 256
"""Those of the paper."""


def scene(height: int, width: int, depth: int = 64) -> tuple[torch.Tensor, np.ndarray]:
    """Return smooth made-up features and scores on a grid: values matter little, sizes do."""
    generator = torch.Generator().manual_seed(0)
    small = torch.randn(1, depth, max(2, height // 8), max(2, width // 8), generator=generator)
    features = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")
    scores = torch.rand(CHANNELS, height, width, generator=generator)
    return pair_affinity(features)[0], scores.numpy()


def walk(affinity: torch.Tensor, scores: np.ndarray) -> np.ndarray:
    """Build the operator and walk."""
    return Walk(affinity, BETA).propagate(scores, STEPS)


def squaring(walker: Walk, scores: np.ndarray) -> np.ndarray:
    """Square the dense matrix eight times, as the reference does; the matrix is given."""
    root = torch.from_numpy(np.sqrt(walker.degree))
    power = torch.from_numpy(walker.operator.toarray()) * root / root[:, None]
    for _ in range(STEPS.bit_length() - 1):
        power = power @ power
    return (power @ torch.from_numpy(scores).flatten(1).T).T.numpy().reshape(scores.shape)


def against_squaring() -> list[Result]:
    """Compare times and values at 500×375, stride 8."""
    affinity, scores = scene(47, 63)
    walker = Walk(affinity, BETA)
    with threads(1):
        ours, theirs = race(lambda: walk(affinity, scores), lambda: squaring(walker, scores), rounds=1)
        best = min(ours, *race(lambda: walk(affinity, scores), rounds=10))
    difference = float(np.abs(walk(affinity, scores) - squaring(walker, scores)).max())
    return [
        Result(
            "walk, 500×375 at stride 8, 3 channels, one thread",
            best,
            "ms",
            theirs,
            "dense squaring",
            "≥ 100× faster",
            theirs >= 100 * best,
            f"{theirs / best:.0f}× faster; in the same round {theirs / ours:.0f}×",
        ),
        Result(
            "walk, largest difference to dense squaring",
            difference,
            "",
            promise="≤ 1e-4",
            kept=difference <= 1e-4,
        ),
    ]


def at_stride_4() -> Result:
    """Measure four times as many cells."""
    affinity, scores = scene(94, 125)
    (best,) = race(lambda: walk(affinity, scores))
    return Result("walk, 500×375 at stride 4 (n = 11,750)", best, "ms", promise="≤ 150 ms", kept=best <= 150)


def at_4k() -> list[Result]:
    """Measure time and memory at 3840×2160, stride 8."""
    affinity, scores = scene(*UHD, depth=8)
    (best,) = race(lambda: walk(affinity, scores), rounds=2)
    tracemalloc.start()
    walk(affinity, scores)
    grown = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return [
        Result("walk, 3840×2160 at stride 8", best, "ms"),
        Result(
            "walk, 3840×2160, extra memory",
            grown,
            "MiB",
            (UHD[0] * UHD[1]) ** 2 * 4 / 2**20,
            "one dense matrix",
            "≤ 1 GiB",
            grown <= 1024,
        ),
    ]


def learning_and_mean_affinity() -> list[Result]:
    """Measure the loss with its gradient, and the second propagation mode."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 448, 40, 60, generator=generator, requires_grad=True)
    labels = torch.randint(0, 3, (1, 40, 60), generator=generator)

    def step() -> None:
        affinity_loss(features, labels).total.backward()

    seeds = torch.randint(0, 4, (47, 63), generator=generator).numpy()
    seeds = np.where(seeds == CHANNELS, 255, seeds)
    vectors = torch.randn(448, 47, 63, generator=generator)
    with threads(1):
        (loss,) = race(step)
        (rule,) = race(lambda: mean_affinity(vectors, seeds, range(CHANNELS)), rounds=2)
    return [
        Result("affinity loss and gradient, 448 channels at 40×60, one thread", loss, "ms"),
        Result("mean affinity, 500×375 at stride 8, exact, one thread", rule, "ms"),
    ]


def run() -> list[Result]:
    """Measure the walk."""
    return [*against_squaring(), at_stride_4(), *at_4k(), *learning_and_mean_affinity()]
