"""What all training loops have in common: order of the images, learning rates, gradients of a crew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from trainer.crew import ALONE, Crew
from trainer.progress import NullReporter, Reporter


@dataclass(frozen=True)
class Recipe:
    """Length and rates of a training.

    The rate falls as ``(1 − step / steps)^0.9``. Weights decay, biases and norms do not.
    """

    epochs: int
    batch: int = 16
    head_rate: float = 1e-3
    backbone_rate: float = 1e-4
    weight_decay: float = 5e-4
    seed: int = 0


@dataclass(frozen=True)
class Draw:
    """One image of a batch: its index and the generator its view is drawn from."""

    index: int
    rng: np.random.Generator


Loss = Callable[[Sequence[Draw]], Tensor]
"""Mean loss of some images; a batch's loss is the mean over its images, however they are dealt out."""


def train(
    net: nn.Module,
    backbone: nn.Module,
    count: int,
    loss_of: Loss,
    recipe: Recipe,
    name: str,
    report: Reporter | None = None,
    crew: Crew = ALONE,
) -> None:
    """Train `net` on `count` images, in place; `backbone` is the part of it that has the lower rate.

    Raises FloatingPointError when the loss is no longer a number.
    """
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameter_groups(net, backbone, recipe))
    start = [group["lr"] for group in optimiser.param_groups]
    batches = -(-count // recipe.batch)
    steps, step = batches * recipe.epochs, 0
    with (report or NullReporter()).stage(name, steps) as stage:
        for epoch in range(recipe.epochs):
            for batch in _batches(count, recipe, epoch):
                for group, rate in zip(optimiser.param_groups, start, strict=True):
                    group["lr"] = rate * (1 - step / steps) ** 0.9
                optimiser.zero_grad()
                mine = crew.share(batch)
                value = torch.zeros(())
                if mine:
                    loss = loss_of(mine)
                    if not torch.isfinite(loss):
                        raise FloatingPointError(
                            f"{name}: the loss is no longer a number; try a lower learning rate"
                        )
                    (loss * (len(mine) / len(batch))).backward()
                    value = loss.detach()
                crew.sum_gradients(trained)
                optimiser.step()
                step += 1
                stage.advance(1, f"epoch {epoch + 1}/{recipe.epochs}, loss {float(value):.3f}")


def parameter_groups(net: nn.Module, backbone: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """Split what is trained by rate and decay; vectors (biases, norms) do not decay."""
    in_backbone = {id(parameter) for parameter in backbone.parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in net.parameters():
        if parameter.requires_grad:
            key = id(parameter) in in_backbone, parameter.dim() > 1
            groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": recipe.backbone_rate if slow else recipe.head_rate,
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (slow, decays), parameters in groups.items()
    ]


def _batches(count: int, recipe: Recipe, epoch: int) -> Iterator[list[Draw]]:
    order = np.random.default_rng((recipe.seed, epoch)).permutation(count)
    for start in range(0, count, recipe.batch):
        yield [
            Draw(int(index), np.random.default_rng((recipe.seed, epoch, int(index))))
            for index in order[start : start + recipe.batch]
        ]
