"""What all training loops have in common: order of the images, learning rates, summed gradients."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn

from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.learn.augment import Augmentation, WholePhoto
from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loader import Draw, Loader, Sample, Samples, default_workers
from trainer.method.settings import Precision
from trainer.models.dropout import dropping_by
from trainer.progress import Reporter


@dataclass(frozen=True)
class Recipe:
    """Length and rates of a training, and the views of the photos it sees.

    The rate falls as ``(1 − step / steps)^0.9``. Weights decay, biases and norms do not. With `precision`
    "bfloat16" networks compute under autocast, weights and losses stay float32; "auto" does so on GPUs made
    for it.
    """

    epochs: int
    batch: int = 16
    head_rate: float = 1e-3
    backbone_rate: float = 1e-4
    weight_decay: float = 5e-4
    views: Augmentation | WholePhoto = field(default_factory=Augmentation)
    seed: int = 0
    precision: Precision = "auto"

    def fitted(self, count: int, least: int) -> Recipe:
        """Return the recipe with as many epochs as it takes to make `least` batches of `count` images."""
        return replace(self, epochs=max(self.epochs, -(-least // self.batches(count))))

    def steps(self, count: int) -> int:
        """Return the number of batches it takes to train on `count` images."""
        return self.epochs * self.batches(count)

    def batches(self, count: int) -> int:
        """Return the number of batches in an epoch of `count` images."""
        return -(-count // self.batch)

    def batch_size(self, count: int, step: int) -> int:
        """Return the number of images in batch `step`, counted from 0: the last one of an epoch has fewer."""
        return min(self.batch, count - step % self.batches(count) * self.batch)


@dataclass(frozen=True)
class Step:
    """The report of a training after each batch: `step` of `steps` is done, `epoch` of `epochs` is under way.

    All are counted from 1. `loss` is the mean over this process's part of the batch, `waited` the seconds
    spent so far waiting for photos.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    loss: float
    waited: float


Loss = Callable[[Sequence[Sample]], Tensor]
"""Mean loss of some images; a batch's loss is the mean over its images, in whatever processes they are."""


def steps(
    net: nn.Module,
    backbone: nn.Module,
    samples: Samples,
    loss_of: Loss,
    recipe: Recipe,
    name: str,
    group: ProcessGroup = SINGLE_PROCESS,
    checkpoint: Checkpoint | None = None,
    workers: int | None = None,
) -> Iterator[Step]:
    """Train `net` in place and report after each batch.

    `backbone` is the part of `net` that has the lower rate; `workers` processes load the images (None:
    as many as suit the device) and do not change the result. Leaving off in between leaves a net half
    trained; with a `checkpoint` the same call on the same new net continues from there and ends with the same
    weights. Raises FloatingPointError when the loss is no longer a number, and what `Loader` raises.
    """
    count = len(samples)
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    # [ours] The paper takes SGD with momentum.
    optimiser = torch.optim.AdamW(parameter_groups(net, backbone, recipe))
    start = [parameters["lr"] for parameters in optimiser.param_groups]
    total, each = recipe.steps(count), recipe.batches(count)
    training = f"{name} on {count} images, {recipe}"
    done = checkpoint.restore(training, net, optimiser) if checkpoint else 0
    device = trained[0].device
    if workers is None:
        workers = default_workers(device)
    batches = map(group.share, _batches(count, recipe, done))
    with Loader(samples, batches, workers) as loader:
        for step, mine in enumerate(loader, done):
            for parameters, rate in zip(optimiser.param_groups, start, strict=True):
                parameters["lr"] = rate * (1 - step / total) ** 0.9
            optimiser.zero_grad()
            value = torch.zeros(())
            if mine:
                generators = [sample.draw.rng for sample in mine]
                with dropping_by(net, generators), autocast(recipe.precision, device):
                    loss = loss_of(mine)
                if not torch.isfinite(loss):
                    raise FloatingPointError(
                        f"{name}: the loss is no longer a number; try a lower learning rate"
                    )
                (loss * (len(mine) / recipe.batch_size(count, step))).backward()
                value = loss.detach()
            group.sum_gradients(trained)
            optimiser.step()
            # The last batch is not kept: its network is what the caller keeps.
            if checkpoint and group.is_main and checkpoint.due and step + 1 < total:
                checkpoint.save(training, net, optimiser, step + 1)
            yield Step(step + 1, total, step // each + 1, recipe.epochs, float(value), loader.waited)


def train(under_way: Iterator[Step], name: str, report: Reporter) -> float:
    """Run a training to its end and report each remaining step.

    Returns the share of the time that was spent waiting for photos, in [0, 1].
    """
    start = time.monotonic()
    first = next(under_way)  # Only the first step tells where a training continues.
    with report.stage(name, first.steps, done=first.step - 1) as stage:
        for step in chain([first], under_way):
            stage.advance(1, f"epoch {step.epoch}/{step.epochs}, loss {step.loss:.3f}")
    return step.waited / (time.monotonic() - start)


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Return the context in which networks on `device` compute in `precision`."""
    on_gpu = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    reduced = precision == "bfloat16" or (precision == "auto" and on_gpu)
    return torch.autocast(device.type, torch.bfloat16, enabled=reduced)


def parameter_groups(net: nn.Module, backbone: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """Group what is trained by learning rate and weight decay; vectors (biases, norms) do not decay."""
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


def _batches(count: int, recipe: Recipe, done: int) -> Iterator[list[Draw]]:
    """Yield what each batch after the first `done` is made of."""
    for step in range(done, recipe.steps(count)):
        epoch, place = divmod(step, recipe.batches(count))
        if place == 0 or step == done:
            order = np.random.default_rng((recipe.seed, epoch)).permutation(count)
        yield [
            Draw(int(index), np.random.default_rng((recipe.seed, epoch, int(index))))
            for index in order[place * recipe.batch :][: recipe.batch]
        ]
