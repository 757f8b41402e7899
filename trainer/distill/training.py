"""Distillation: a small backbone learns, from random weights, to give the maps of a large one.

The student sees the same crops as the teacher and is drawn to its maps, cell by cell, and to its soft labels
where the teacher has a classifier. At first each of its layers learns alone, from the teacher's map before to
the one after it (where the teacher has such maps); then all learn together. It shares no tensor with the
teacher, and no labels of the photos are used.

The schedule follows a clock of work: rate and input size depend on the share of the budget that is spent, so
a run ends properly whatever the machine. It can be interrupted and resumed, also with another budget or
number of processes, which share each batch.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from trainer.data.atomic import write_atomically
from trainer.distill.crops import Crops, jitter_batch
from trainer.distill.networks import Student, Teacher, map_errors, soft_label_error, spreads_of
from trainer.distill.photo_archive import PhotoArchive, folder_of
from trainer.distill.probe import PROBE_CLASSES, probe, probe_names
from trainer.distributed import SINGLE_PROCESS, ProcessGroup
from trainer.errors import DataError, WeightsError
from trainer.models.weights import save_backbone

_HELD_OUT = 200
_LEAST_PHOTOS = 4


@dataclass(frozen=True)
class DistillationRecipe:
    """All that a run depends on beside teacher and photos.

    Attributes:
        batch: crops a step.
        minutes: budget of working time, see :func:`working_seconds`.
        by_block: share of the budget in which each layer learns alone, where that is possible.
        block_rate, rate: learning rates of that time and of the rest; each warms up and falls to nothing.
        checkpoint_minutes: minutes on the wall between checkpoints.
        score_every: share of the budget between scores.
        bfloat16_teacher: see :class:`Teacher`.
        sizes: (share of the budget spent, side of the square crops): small ones first, but none so small that
            the teacher itself no longer knows what it sees.
        crop_area: smallest and largest share of a photo that a crop covers.
        deepest: weight of the error of the deepest map; that of any other is 1.
        soft_labels: weight of their error.
    """

    minutes: float = 90
    batch: int = 16
    by_block: float = 0.25
    block_rate: float = 4e-3
    rate: float = 2e-3
    decay: float = 0.02
    warm_up: float = 0.03
    sizes: tuple[tuple[float, int], ...] = ((0.0, 128), (0.7, 160))
    crop_area: tuple[float, float] = (0.35, 1.0)
    deepest: float = 3.0
    soft_labels: float = 1.0
    checkpoint_minutes: float = 3
    score_every: float = 0.1
    bfloat16_teacher: bool = False
    seed: int = 0

    def rate_at(self, share: float) -> float:
        """Learning rate when ``share`` (0…1) of the budget is spent: linear warm-up, then half a cosine."""
        if share < self.by_block:
            rate, done = self.block_rate, share / self.by_block
        else:
            rate, done = self.rate, min(1.0, (share - self.by_block) / (1 - self.by_block))
        return rate * min(1.0, done / self.warm_up + 0.01) * (0.5 + 0.5 * math.cos(math.pi * done))

    def size_at(self, share: float) -> int:
        """Side of the crops then, in pixels."""
        return [size for start, size in self.sizes if share >= start][-1]


def working_seconds(device: torch.device) -> float:
    """A clock of the work done: on a CPU it stands still while other programs push this one aside."""
    return time.process_time() / torch.get_num_threads() if device.type == "cpu" else time.monotonic()


class Distillation:
    """A run: its networks, photos and progress."""

    def __init__(
        self,
        teacher: Path,
        sources: Sequence[Path],
        out: Path,
        recipe: DistillationRecipe,
        device: str = "cpu",
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.out, self.device, self.group = out, torch.device(device), group
        self.photos = PhotoArchive(sources)
        rng = np.random.default_rng(recipe.seed)
        names = rng.permutation([name for name in self.photos.names if folder_of(name) not in PROBE_CLASSES])
        if len(names) < _LEAST_PHOTOS:
            raise DataError(
                f"{len(names)} photos are too few to learn from; give {_LEAST_PHOTOS} or more, as folders or "
                "zip files"
            )
        held = min(_HELD_OUT, len(names) // 4)
        self.held_out, self.names = names[:held].tolist(), names[held:].tolist()
        self.teacher = Teacher(teacher, recipe.bfloat16_teacher).to(self.device)
        self.student = Student(self.teacher).to(self.device)
        self.recipe = recipe if self.student.learns_by_block else replace(recipe, by_block=0.0)
        self.optimiser = torch.optim.AdamW(_groups(self.student, recipe.decay), lr=recipe.rate)
        self.seconds, self.steps = 0.0, 0
        self.scores: list[dict[str, float]] = []
        samples = self._samples()
        self.spreads = spreads_of(samples)
        self.block_spreads = (
            spreads_of([self.student.changes(maps) for maps in samples]) if self.recipe.by_block else []
        )
        self._resume()

    @property
    def share(self) -> float:
        """Share of the budget of working time that is spent, 0…1 and beyond."""
        return self.seconds / (60 * self.recipe.minutes)

    def run(self, report: Callable[[str], None]) -> None:
        """Train until the time is spent; checkpoint, score and report on the way."""
        seed = (self.recipe.seed + self.steps) * self.group.size + self.group.rank
        crops = self._crops(seed, len(self.group.share(range(self.recipe.batch))))
        generator = torch.Generator().manual_seed(seed)
        report(
            f"{len(self.names)} photos, {len(self.held_out)} held out, "
            f"step {self.steps}, {self.seconds / 60:.0f} of {self.recipe.minutes:.0f} min"
        )
        started, before = working_seconds(self.device), self.seconds
        saved, scored = time.monotonic(), self.share
        losses: list[float] = []
        for batch in crops.batches(lambda: self.recipe.size_at(self.share)):
            losses.append(self._step(jitter_batch(batch, generator)))
            # All must agree on how far the run is; the leader's clock counts.
            self.seconds = self.group.gather(before + working_seconds(self.device) - started)[0]
            over = self.share >= 1
            if over or self.share - scored > self.recipe.score_every:
                scored = self.share
                self.scores.append({"minutes": round(self.seconds / 60, 1), **self.score()})
                report(json.dumps(self.scores[-1]))
            if over or time.monotonic() - saved > 60 * self.recipe.checkpoint_minutes:
                saved = time.monotonic()
                if self.group.is_main:
                    self._save()
                report(
                    f"{self.seconds / 60:6.1f} min  step {self.steps}  side {batch.shape[-1]}  "
                    f"loss {np.mean(losses):.4f}"
                )
                losses.clear()
            if over:
                return

    def score(self) -> dict[str, float]:
        """Cosine of the deepest maps and top-1 agreement on held-out photos; the probe, given its photos."""
        self.student.eval()
        cosines, agreed = [], []
        with torch.inference_mode():
            for start in range(0, len(self.held_out), 20):
                names = self.held_out[start : start + 20]
                squares = np.stack([_squeezed(self.photos.read(name)) for name in names])
                x = self._normalised(torch.from_numpy(squares).permute(0, 3, 1, 2))
                target, guess = self._targets(x)[-1], self.student(x)[-1]
                cosines.append(functional.cosine_similarity(target, guess).mean((1, 2)))
                if self.teacher.head is not None:
                    first, second = (self.teacher.head(m.mean((2, 3))).argmax(1) for m in (target, guess))
                    agreed.append((first == second).float())
        result = {"cosine": float(torch.cat(cosines).mean())}
        if agreed:
            result["agreement"] = float(torch.cat(agreed).mean())
        if probe_names(self.photos.names)[0]:
            result["probe"] = probe(self.student.backbone, self.photos)
        self.student.train()
        return {name: round(value, 4) for name, value in result.items()}

    def _crops(self, seed: int, count: int) -> Crops:
        return Crops(self.photos, self.names, count, self.recipe.crop_area, seed)

    def _normalised(self, images: Tensor) -> Tensor:
        x = self.teacher.convention.normalise(images.to(self.device))
        return x.contiguous(memory_format=torch.channels_last)

    def _step(self, images: Tensor) -> float:
        self.student.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate_at(self.share)
        loss = self._loss(self._normalised(images))
        self.optimiser.zero_grad()
        (loss / self.group.size).backward()
        self.group.sum_gradients(self.student.parameters())
        self.optimiser.step()
        self.steps += 1
        return float(loss.detach())

    def _loss(self, x: Tensor) -> Tensor:
        targets = self._targets(x)
        if self.share < self.recipe.by_block:
            alone = self.student.by_block(x, targets)
            return torch.stack(map_errors(alone, targets, self.block_spreads)).sum()
        guesses = self.student(x)
        *shallow, deepest = map_errors(guesses, targets, self.spreads)
        errors = [*shallow, self.recipe.deepest * deepest]
        if self.teacher.head is not None:
            soft = soft_label_error(guesses[-1], targets[-1], self.teacher.head)
            errors.append(self.recipe.soft_labels * soft)
        return torch.stack(errors).sum()

    def _targets(self, x: Tensor) -> list[Tensor]:
        return self.teacher.maps(x, self.student.wanted)

    def _samples(self) -> list[list[Tensor]]:
        """The wanted maps of four batches."""
        batches = self._crops(self.recipe.seed, self.recipe.batch).batches(lambda: 128)
        return [self._targets(self._normalised(next(batches))) for _ in range(4)]

    @property
    def _checkpoint(self) -> Path:
        return self.out / "checkpoint.pt"

    def _fingerprint(self) -> str:
        """Everything that must be unchanged for a run to resume: all but its time budget."""
        return json.dumps({**asdict(self.recipe), "minutes": None})

    def _save(self) -> None:
        state: dict[str, Any] = {
            "recipe": self._fingerprint(),
            "student": self.student.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seconds": self.seconds,
            "steps": self.steps,
            "scores": self.scores,
        }
        with write_atomically(self._checkpoint) as temporary:
            torch.save(state, temporary)
        info = {
            "recipe": json.dumps(asdict(self.recipe)),
            "scores": json.dumps(self.scores),
            "steps": str(self.steps),
        }
        save_backbone(self.out / "student.safetensors", self.student.backbone, info, half=True)

    def _resume(self) -> None:
        if not self._checkpoint.is_file():
            return
        try:
            state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
            if state["recipe"] != self._fingerprint():
                raise WeightsError(
                    f"{self._checkpoint} belongs to a run with another recipe; choose another folder"
                )
            self.student.load_state_dict(state["student"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.seconds, self.steps = float(state["seconds"]), int(state["steps"])
            self.scores = list(state["scores"])
        except WeightsError:
            raise
        except Exception as error:  # torch's reader raises nearly anything on damaged bytes
            raise WeightsError(f"{self._checkpoint} is damaged; delete it to start again") from error


def _squeezed(photo: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(photo).resize((160, 160), Image.Resampling.BILINEAR))


def _groups(module: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay on weights of convolutions only."""
    parameters = list(module.parameters())
    return [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
