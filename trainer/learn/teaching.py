"""Teacher, student, and what the one asks of the other."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.models.backbones import build_backbone
from trainer.models.fuse import fused_for_inference
from trainer.models.state import read_tensors
from trainer.models.weights import load_backbone_weights

_HEADS = (("classifier.1.weight", "classifier.1.bias"), ("fc.weight", "fc.bias"))
"""Where published ImageNet networks keep their classifier."""


class Teacher(nn.Module):
    """A pretrained backbone and, where its file has one, its classifier.

    ``bfloat16`` halves its time on processors that know these numbers.
    """

    def __init__(self, path: Path, bfloat16: bool = False) -> None:
        super().__init__()
        backbone = load_backbone_weights(path)
        self.convention = backbone.convention
        self.uses_bfloat16 = bfloat16
        self.taps = [backbone.tap(name) for name in (*backbone.affinity_taps[:2], backbone.taps[-1].name)]
        self.backbone = fused_for_inference(backbone)
        tensors, _ = read_tensors(path)
        head = next((names for names in _HEADS if names[0] in tensors), None)
        self.head: nn.Linear | None = None
        if head is not None:
            weight, bias = (tensors[name] for name in head)
            self.head = nn.Linear(weight.shape[1], weight.shape[0])
            self.head.load_state_dict({"weight": weight, "bias": bias})
        self.requires_grad_(False).eval()

    @torch.no_grad()
    def forward(self, x: Tensor) -> list[Tensor]:
        """Normalised crops → the three maps, float32."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.uses_bfloat16):
            maps = self.backbone(x, [tap.name for tap in self.taps])
        return [maps[tap.name].float() for tap in self.taps]


class Student(nn.Module):
    """The backbone that learns, and 1×1 convolutions (left behind afterwards) to the teacher's channels."""

    def __init__(self, name: str, teacher: Teacher) -> None:
        super().__init__()
        self.backbone = build_backbone(name, frozen_norm=False)
        self.backbone.convention = teacher.convention
        self.taps = [
            self.backbone.tap(tap) for tap in (*self.backbone.affinity_taps[:2], self.backbone.taps[-1].name)
        ]
        self.adapters = nn.ModuleList(
            nn.Conv2d(own.channels, wanted.channels, 1) if own.channels != wanted.channels else nn.Identity()
            for own, wanted in zip(self.taps, teacher.taps, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Normalised crops → guesses of the teacher's three maps."""
        maps = self.backbone(x, [tap.name for tap in self.taps])
        return [adapter(maps[tap.name]) for adapter, tap in zip(self.adapters, self.taps, strict=True)]


def distillation_loss(
    guesses: Sequence[Tensor],
    targets: Sequence[Tensor],
    spreads: Sequence[Tensor],
    weights: Sequence[float],
    head: nn.Module | None,
) -> Tensor:
    """Squared errors of the maps in units of each channel's variance, and the divergence of the soft labels.

    Args:
        guesses, targets: maps ``B×C×h×w``, shallow to deep.
        spreads: the teacher's standard deviation of each channel, ``C×1×1``.
        weights: one for each map and one for the soft labels.
        head: the teacher's classifier on pooled features, or None.
    """
    losses = [
        weight * ((guess - target) / spread).square().mean()
        for guess, target, spread, weight in zip(guesses, targets, spreads, weights, strict=False)
    ]
    if head is not None:
        guessed, wanted = (head(maps[-1].mean((2, 3))).log_softmax(1) for maps in (guesses, targets))
        losses.append(
            weights[-1] * functional.kl_div(guessed, wanted, log_target=True, reduction="batchmean")
        )
    return torch.stack(losses).sum()
