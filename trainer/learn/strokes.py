"""Training the stroke network: photos, views, strokes and answers stay on the device throughout."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.learn.checkpoint import Checkpoint
from trainer.learn.object_photos import ObjectPhotos
from trainer.learn.object_views import (
    SHAPES,
    Views,
    cut_views,
    draw_places,
    orientations,
    pasted,
    recoloured,
    whole_places,
)
from trainer.learn.stroke_robot import (
    CAREFUL,
    Habits,
    coverage_of,
    find_clicks,
    paint,
    spoilt,
)
from trainer.method.guidance import guidance
from trainer.models.fuse import channels_last, fused_for_training
from trainer.models.stroke_net import Embedded, StrokeNet
from trainer.progress import Reporter

NAME = "stroke network"
PASSES = 2
"""How often the network is asked for one answer, each time told the last one; as in use."""
FIRST_FROM_NOTHING = (0.6, 0.25, 0.15)
"""Chances of one, two and three strokes before the network is first asked, where nothing is known."""
TARGETS = (0.85, 0.90)
JUDGED = 8
"""How often a training is judged on held-out photos."""
_FIRST_PASS = 0.4
"""What the first pass's loss counts beside the last one's."""
_OVERLAP = 0.5
"""What the loss of the overlap counts beside that of the pixels."""


@dataclass(frozen=True)
class StrokeRecipe:
    """Length, rates and habits of a training.

    Attributes:
        steps: batches in all.
        batch: views to a batch.
        rate: of the decoder; it falls as (1 − step / steps)^0.9 after `warm_up` steps.
        backbone_rate: the same of the backbone.
        weight_decay: of weights, not of biases and norms.
        spoilt: share of the views that begin with a spoilt mask; the others begin with nothing.
        rounds: the most strokes put into errors of the network's own answers.
        mean: how much of the running mean of the weights, which is what is kept, stays at each step.
        habits: of the annotator.
        seed: of everything random.
    """

    steps: int = 6000
    batch: int = 64
    rate: float = 1e-3
    backbone_rate: float = 2e-4
    weight_decay: float = 5e-4
    warm_up: int = 100
    spoilt: float = 0.35
    rounds: int = 3
    mean: float = 0.998
    habits: Habits = field(default_factory=Habits)
    seed: int = 0


@dataclass(frozen=True)
class StrokeStep:
    """`step` of `steps` is done, counted from 1.

    `loss` is the mean of the batch, `net` the network that the training would end with now.
    """

    step: int
    steps: int
    loss: Tensor
    net: StrokeNet


class _Trained(nn.Module):
    """The network and the running mean of its weights, so that one checkpoint holds both."""

    def __init__(self, net: StrokeNet) -> None:
        super().__init__()
        self.net = net
        self.mean: StrokeNet = copy.deepcopy(net).requires_grad_(False)

    @torch.no_grad()
    def follow(self, step: int, kept: float) -> None:
        weight = max(1 - kept, 1 / (step + 1))
        torch._foreach_lerp_(list(self.mean.parameters()), list(self.net.parameters()), weight)


def stroke_steps(
    net: StrokeNet,
    photos: ObjectPhotos,
    recipe: StrokeRecipe = StrokeRecipe(),
    checkpoint: Checkpoint | None = None,
    bfloat16: bool = False,
) -> Iterator[StrokeStep]:
    """Train `net` in place, on the device where net and photos are, and tell of every step.

    At the end it holds the running mean of the weights and is in evaluation mode. A batch depends on the seed
    and its number alone, so that a training that goes on from a checkpoint ends as one in one piece.

    Args:
        net: batch norm is kept as it is.
        photos: to learn from.
        recipe: length, rates, strokes.
        checkpoint: kept on the way, and gone on from where there is one.
        bfloat16: compute layers in bfloat16, which is faster on a GPU.

    Raises:
        FloatingPointError: the loss is no longer a number.
    """
    device = photos.pixels.device
    net.eval()  # Norms as stored: batches of few objects would shift them.
    channels_last(net)
    pools = [(shape, pool) for shape, pool in zip(SHAPES, orientations(photos), strict=True) if len(pool)]
    with fused_for_training(net.backbone, net.backbone) as backbone:
        original, net.backbone = net.backbone, backbone
        both = _Trained(net)
        optimiser = torch.optim.AdamW(_groups(net, recipe), fused=device.type == "cuda")
        rates = [group["lr"] for group in optimiser.param_groups]
        training = f"{NAME} on {len(photos.names)} photos, {recipe}"
        done = checkpoint.restore(training, both, optimiser) if checkpoint else 0
        for step in range(done, recipe.steps):
            factor = min(1, (step + 1) / recipe.warm_up) * (1 - step / recipe.steps) ** 0.9
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            rng = np.random.default_rng((recipe.seed, step))
            generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
            shape, pool = pools[rng.choice(len(pools), p=_shares(pools))]
            chosen = rng.choice(pool, recipe.batch, replace=len(pool) < recipe.batch)
            views = cut_views(photos, draw_places(photos, chosen.tolist(), shape, rng), shape)
            views = pasted(recoloured(views, generator), generator)
            optimiser.zero_grad(set_to_none=True)
            with _precision(device, bfloat16):
                loss = batch_loss(net, views, recipe, rng, generator)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0, foreach=True)
            optimiser.step()
            both.follow(step, recipe.mean)
            loss = loss.detach()
            if step % 50 == 0 and not torch.isfinite(loss):
                raise FloatingPointError(f"{NAME}: the loss is no longer a number; try a lower rate")
            if checkpoint and checkpoint.due and step + 1 < recipe.steps:
                checkpoint.save(training, both, optimiser, step + 1)
            yield StrokeStep(step + 1, recipe.steps, loss, both.mean)
        with torch.no_grad():
            for kept, mean in zip(net.parameters(), both.mean.parameters(), strict=True):
                kept.copy_(mean)
    net.backbone = original
    net.eval()


def batch_loss(
    net: StrokeNet, views: Views, recipe: StrokeRecipe, rng: np.random.Generator, generator: torch.Generator
) -> Tensor:
    """Mean loss of a batch: strokes are put into errors of the network's answers, the last answer counts."""
    device, count = views.pixels.device, len(views.pixels)
    embedded = net.embed(
        net.backbone.convention.normalise(views.pixels).contiguous(memory_format=torch.channels_last)
    )
    fixed = embedded.detached()

    def drawn(high: int) -> Tensor:
        return torch.randint(high + 1, (count,), generator=generator, device=device)

    start = torch.rand(count, generator=generator, device=device) < recipe.spoilt
    before = spoilt(views.truth, generator) * start.view(-1, 1, 1, 1)
    # From nothing there is at least one stroke; a mask may be taken as it is, or after strokes.
    chances = torch.tensor(FIRST_FROM_NOTHING, device=device)
    from_nothing = 1 + torch.multinomial(chances.expand(count, -1), 1, generator=generator)[:, 0]
    first = torch.where(start, (drawn(4) - 2).clamp(min=0), from_nothing)
    later = torch.where(start & (first == 0) & (drawn(1) == 0), 0, drawn(recipe.rounds))
    painted = torch.zeros(views.truth.shape, dtype=torch.uint8, device=device)
    answer = _finer(before)[:, 0] > 0.5
    with torch.no_grad():
        for index in range(len(FIRST_FROM_NOTHING)):
            painted = _another(painted, answer, views, recipe.habits, index < first, generator)
            # Further first strokes go anywhere, for nobody has seen an answer yet.
            answer = torch.where((painted > 0), painted == 1, answer)
        for index in range(int(rng.integers(recipe.rounds + 1))):
            logits = ask(net, fixed, painted, before)[-1]
            painted = _another(
                painted, _covered(logits, painted), views, recipe.habits, index < later, generator
            )
    soften = torch.rand(count, 1, 1, 1, generator=generator, device=device) < 0.25
    answers = ask(net, embedded, painted, before, soften)
    known = (views.known & (painted == 0)).float()
    losses = [mask_loss(logits[:, 0].float(), views.truth.float(), known) for logits in answers]
    return losses[-1] + _FIRST_PASS * sum(losses[:-1])


def ask(
    net: StrokeNet, embedded: Embedded, painted: Tensor, before: Tensor, soften: Tensor | None = None
) -> list[Tensor]:
    """The logits of each pass, ``B×1×h×w`` at stride 2; a pass is told the last one's answer.

    Args:
        net: the network.
        embedded: of B views.
        painted: uint8 ``B×h×w`` strokes.
        before: ``B×1×h/2×w/2``, the automatic mask.
        soften: bool ``B×1×1×1``, where the last answer is told as if it were of a coarser look.
    """
    strokes = guidance(coverage_of(painted), embedded.unit)
    answers = []
    for _ in range(PASSES):
        logits = net.answer(embedded, strokes, before.to(strokes.dtype))
        answers.append(_to(logits, painted.shape[-2:]))
        before = functional.interpolate(logits.detach().float().sigmoid(), strokes.shape[-2:], mode="area")
        if soften is not None:
            coarse = functional.interpolate(
                functional.avg_pool2d(before, 4), before.shape[-2:], mode="bilinear"
            )
            before = torch.where(soften, coarse, before)
    return answers


def mask_loss(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Normalised focal loss (Sofiiuk et al. 2019, γ = 2) plus soft IoU, the mean over views.

    Args:
        logits, truth, known: float ``B×h×w``; truth and known are 0 or 1.
    """
    right = torch.where(truth > 0.5, logits, -logits)
    log_right = functional.logsigmoid(right)
    hard = (1 - log_right.exp()) ** 2 * known
    weights = hard.detach()
    scale = known.sum((1, 2)) / weights.sum((1, 2)).clamp(min=1e-3)
    pixels = -(hard * log_right).sum((1, 2)) * scale / known.sum((1, 2)).clamp(min=1)
    probability = logits.sigmoid()
    both = (probability * truth * known).sum((1, 2))
    either = (torch.maximum(probability, truth) * known).sum((1, 2))
    overlap = 1 - (both + 1) / (either + 1)
    return (pixels + _OVERLAP * overlap).mean()


@torch.no_grad()
def held_out_clicks(
    net: StrokeNet, photos: ObjectPhotos, clicks: int = 8, batch: int = 64, bfloat16: bool = False
) -> dict[str, float]:
    """RITM's robot on whole photos, from nothing, on the network's own grid: for watching a training.

    Returns:
        ``noc@85`` and ``noc@90``, mean clicks to these IoUs (`clicks` where it takes more), and ``iou@1``,
        ``iou@3``, ``iou@8``: mean IoU in [0, 1] after so many.
    """
    device = photos.pixels.device
    net.eval()
    ious = []
    ratio = photos.sizes[:, 1] / photos.sizes[:, 0]
    generator = torch.Generator(device).manual_seed(0)
    for shape, chosen in ((SHAPES[0], ratio >= 1), (SHAPES[1], ratio < 1)):
        for indices in np.array_split(np.flatnonzero(chosen), max(1, -(-int(chosen.sum()) // batch))):
            if len(indices) == 0:
                continue
            part = photos.subset(indices.tolist())
            views = cut_views(part, whole_places(part, shape), shape)
            with _precision(device, bfloat16):
                embedded = net.embed(net.backbone.convention.normalise(views.pixels))
                ious.append(_course(net, embedded, views, clicks, generator))
    course = torch.cat(ious, 1).float().cpu().numpy()
    result = {
        f"noc@{round(100 * target)}": float(
            np.where((course >= target).any(0), (course >= target).argmax(0) + 1, clicks).mean()
        )
        for target in TARGETS
    }
    return result | {f"iou@{after}": float(course[min(after, clicks) - 1].mean()) for after in (1, 3, 8)}


def _course(
    net: StrokeNet, embedded: Embedded, views: Views, clicks: int, generator: torch.Generator
) -> Tensor:
    """IoU after each click, clicks×B."""
    painted = torch.zeros(views.truth.shape, dtype=torch.uint8, device=views.truth.device)
    answer = torch.zeros_like(views.truth)
    before = torch.zeros(len(painted), 1, *embedded.base.shape[-2:], device=painted.device)
    course = []
    for _ in range(clicks):
        painted = _another(
            painted, answer, views, CAREFUL, torch.ones(1, dtype=torch.bool, device=painted.device), generator
        )
        answer = _covered(ask(net, embedded, painted, before)[-1], painted)
        both = (answer & views.truth & views.known).sum((1, 2))
        course.append(both / ((answer | views.truth) & views.known).sum((1, 2)).clamp(min=1))
    return torch.stack(course)


def _another(
    painted: Tensor, answer: Tensor, views: Views, habits: Habits, active: Tensor, generator: torch.Generator
) -> Tensor:
    click = find_clicks(answer, views.truth, views.known, painted, habits.exact, generator)
    return paint(painted, click, views.truth, habits, active, generator)


def _covered(logits: Tensor, painted: Tensor) -> Tensor:
    """The mask of logits on the grid of stride 2, strokes kept: bool ``B×h×w``."""
    return torch.where(painted > 0, painted == 1, logits[:, 0] > 0)


def _finer(mask: Tensor) -> Tensor:
    return functional.interpolate(mask, scale_factor=2, mode="bilinear")


def _to(logits: Tensor, size: torch.Size) -> Tensor:
    if logits.shape[-2:] == size:
        return logits
    return functional.interpolate(logits, size, mode="bilinear", align_corners=False)


def _shares(pools: list[tuple[tuple[int, int], np.ndarray]]) -> np.ndarray:
    counts = np.array([len(pool) for _, pool in pools], float)
    counts[-1] *= 0.3 if len(pools) > 1 else 1  # These photos are in the other pools, too.
    return counts / counts.sum()


def _precision(device: torch.device, bfloat16: bool) -> AbstractContextManager[object]:
    return torch.autocast(device.type, torch.bfloat16) if bfloat16 else nullcontext()


def _groups(net: StrokeNet, recipe: StrokeRecipe) -> list[dict[str, object]]:
    """Split what is trained by rate and decay; vectors do not decay."""
    slow = {id(parameter) for parameter in net.backbone.parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in net.parameters():
        if parameter.requires_grad:
            groups.setdefault((id(parameter) in slow, parameter.dim() > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": recipe.backbone_rate if in_backbone else recipe.rate,
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (in_backbone, decays), parameters in groups.items()
    ]


def held_out_indices(names: Sequence[str], share: float) -> tuple[list[int], list[int]]:
    """Split photos into some to judge by and the others, by their names alone."""
    judged = [
        index for index, name in enumerate(names) if zlib.crc32(name.encode()) % 10_000 < 10_000 * share
    ]
    chosen = set(judged)
    return judged, [index for index in range(len(names)) if index not in chosen]


def train_strokes(
    net: StrokeNet,
    photos: ObjectPhotos,
    judged: ObjectPhotos | None,
    recipe: StrokeRecipe,
    reporter: Reporter,
    checkpoint: Checkpoint | None = None,
    bfloat16: bool = False,
) -> dict[str, float]:
    """Take a training to its end, report it, and return the scores on `judged`; {} where there are none."""
    scores: dict[str, float] = {}
    under_way = stroke_steps(net, photos, recipe, checkpoint, bfloat16)
    first = next(under_way)  # Only the first one tells where the training goes on.
    with reporter.stage(NAME, recipe.steps, done=first.step - 1) as stage:
        for step in chain([first], under_way):
            # Asking for every loss would keep the device waiting.
            if step.step % 20 == 0 or step.step == step.steps:
                stage.advance(20 if step.step % 20 == 0 else step.steps % 20, f"loss {float(step.loss):.3f}")
            if judged is not None and (
                step.step % max(1, recipe.steps // JUDGED) == 0 or step.step == recipe.steps
            ):
                scores = held_out_clicks(step.net, judged, bfloat16=bfloat16)
                told = ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
                reporter.message(f"{NAME}: step {step.step}, held out {told}")
    return scores
