"""Teacher and student networks of the distillation."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.models.base import Backbone
from trainer.models.fuse import fused_for_inference
from trainer.models.mobilenet import InvertedResidual
from trainer.models.small import AffinitySmall, DenseResidual
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
        self.shapes = _shapes(backbone)
        self.depths = [*backbone.affinity_taps[:2], backbone.taps[-1].name]
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
    def maps(self, x: Tensor, names: Sequence[str]) -> list[Tensor]:
        """Normalised crops → the maps of these names, float32."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.uses_bfloat16):
            maps = self.backbone(x, names)
        return [maps[name].float() for name in names]


class Student(nn.Module):
    """The backbone that learns, and which of the teacher's maps it learns from.

    Where the teacher has a map of the same shape for each layer of the student, in the same order, all of
    these are the wanted ones, and the student can learn block by block. Otherwise three maps are wanted, to
    whose channels 1×1 convolutions (left behind afterwards) lead.

    Attributes:
        wanted: names of the teacher's maps, shallow to deep.
        learns_by_block: whether there is one for each layer.
    """

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.backbone = AffinitySmall()
        self.backbone.convention = teacher.convention
        own = _shapes(self.backbone)
        matches = _in_order(list(own.values()), teacher.shapes)
        self.learns_by_block = matches is not None
        self.wanted = matches or teacher.depths
        self._taps = list(own) if matches else [*self.backbone.affinity_taps[:2], list(own)[-1]]
        pairs = zip(self._taps, self.wanted, strict=True)
        channels = [(own[tap][0], teacher.shapes[name][0]) for tap, name in pairs]
        self.adapters = nn.ModuleList(
            nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
            for inputs, outputs in channels
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Normalised crops → guesses of the wanted maps."""
        maps = self.backbone(x, self._taps)
        return [adapter(maps[tap]) for adapter, tap in zip(self.adapters, self._taps, strict=True)]

    def by_block(self, x: Tensor, targets: Sequence[Tensor]) -> list[Tensor]:
        """Each layer's output for the teacher's map before it.

        No layer has to wait until those before it have learnt, and its error is its own: a shallow problem
        each, learnt many times sooner than the whole (block-wise distillation, Li et al., CVPR 2020).
        """
        given = (x, *targets[:-1])
        return [layer(before) for layer, before in zip(self.backbone.features, given, strict=True)]

    def changes(self, targets: Sequence[Tensor]) -> list[Tensor]:
        """What each layer has to add to what it is given: to nothing, where it is not residual."""
        return [
            after - before if isinstance(layer, _RESIDUAL) and layer.residual else after
            for layer, before, after in zip(
                self.backbone.features, (targets[0], *targets[:-1]), targets, strict=True
            )
        ]


_RESIDUAL = (DenseResidual, InvertedResidual)


def spreads_of(samples: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Standard deviation of each channel over several samples of maps: one ``C×1×1`` for each depth.

    Channels that hardly vary count as if they did a little, so that their noise is not learnt.
    """
    spreads = [torch.cat(depth).std((0, 2, 3), keepdim=True)[0] for depth in zip(*samples, strict=True)]
    return [spread + 0.1 * spread.mean() for spread in spreads]


def map_errors(
    guesses: Sequence[Tensor], targets: Sequence[Tensor], spreads: Sequence[Tensor]
) -> list[Tensor]:
    """Mean squared error of each map ``B×C×h×w``, in units of each channel's variance."""
    return [
        ((guess - target) / spread).square().mean()
        for guess, target, spread in zip(guesses, targets, spreads, strict=True)
    ]


def soft_label_error(guess: Tensor, target: Tensor, head: nn.Module) -> Tensor:
    """Divergence of what the teacher's classifier says to the pooled deepest maps ``B×C×h×w``."""
    guessed, wanted = (head(maps.mean((2, 3))).log_softmax(1) for maps in (guess, target))
    return functional.kl_div(guessed, wanted, log_target=True, reduction="batchmean")


def _shapes(backbone: Backbone) -> dict[str, tuple[int, ...]]:
    """``channels, h, w`` of every map for a small input, in order."""
    with torch.inference_mode():
        return {name: tuple(m.shape[1:]) for name, m in backbone.eval().walk(torch.zeros(1, 3, 64, 64))}


def _in_order(wanted: Sequence[tuple[int, ...]], offered: dict[str, tuple[int, ...]]) -> list[str] | None:
    """Names of maps of the wanted shapes, each after the one before; None if there are not enough."""
    rest = iter(offered.items())
    names = [next((name for name, shape in rest if shape == each), None) for each in wanted]
    return [name for name in names if name is not None] if None not in names else None
