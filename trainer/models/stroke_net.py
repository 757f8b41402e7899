"""The stroke network: a photo is embedded once, then a small decoder answers each change of the strokes.

As in SAM (Kirillov et al. 2023), but for a CPU: the embedding takes a tenth of a second, an answer a few
hundredths. The network has learnt from masks of objects what an object is; it knows no class names.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.errors import WeightsError
from trainer.models.backbones import build_backbone
from trainer.models.base import Backbone, InputConvention
from trainer.models.state import read_tensors, save_tensors

STRIDE = 4
"""Pixels to a cell of the grid on which the decoder works."""
FINE_STRIDE = 2
"""Pixels to a cell of the answer."""
GUIDANCE_CHANNELS = 8
"""Maps that tell of the strokes: discs, nearness in two scales and likeness, of wanted and unwanted ones."""
DEEP_STRIDE = 16
"""Pixels to a cell of the deepest maps; a photo's sides are multiples of it."""

_DETAIL = "features.0"
_TAPS = {"features.2": 24, "features.5": 32, "features.12": 64, "features.16": 64}
"""The backbone's maps and the channels each is reduced to."""
_WIDTH, _DEEP_WIDTH, _UNIT, _NECK_WIDTH, _FINE_WIDTH, _HEADS = 48, 96, 32, 160, 24, 32
_RECORD = "stroke_net"
_MOST_BLOCKS = 16


@dataclass(frozen=True)
class Parts:
    """What a stroke network has beyond the plain one, which has nothing of it.

    Each part adds to the plain network's maps and adds nothing at first, so it can be grown on a trained one.

    Attributes:
        neck: blocks of attention on the deepest maps, once a photo.
        attention: layers of attention among the decoder's deepest cells, at each answer.
        fine: whether the answer is made on a grid of stride 2, from the backbone's first map.
    """

    neck: int = 0
    attention: int = 0
    fine: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a number of parts that no network has."""
        if not (0 <= int(self.neck) <= _MOST_BLOCKS and 0 <= int(self.attention) <= _MOST_BLOCKS):
            raise ValueError(f"a stroke network has no {self.neck} and {self.attention} blocks")


FULL = Parts(neck=3, attention=3, fine=True)
"""The parts of the network that ships."""


class Embedded(NamedTuple):
    """What the decoder needs of photos; everything else follows from the strokes.

    Attributes:
        base: ``B×48×h×w`` at stride 4: the photo's part of the decoder's first layer.
        unit: ``B×32×h×w`` embedding of unit length, whose cosines tell what belongs together.
        deep: ``B×96×h/4×w/4``, added to the decoder's deepest map; None without a neck.
        detail: ``B×24×2h×2w``, the finest map; None where the answer has stride 4.
    """

    base: Tensor
    unit: Tensor
    deep: Tensor | None
    detail: Tensor | None

    def detached(self) -> Embedded:
        """Return the same maps, through which no gradient flows."""
        base, unit, deep, detail = self
        return Embedded(
            base.detach(),
            unit.detach(),
            None if deep is None else deep.detach(),
            None if detail is None else detail.detach(),
        )


class Rough(NamedTuple):
    """An answer at stride 4: logits ``B×1×h×w`` and the decoder's last map ``B×48×h×w``."""

    logits: Tensor
    last: Tensor


def _residual(channels: int, dilation: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, 2 * channels, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(2 * channels, channels, 1),
    )


class Attention(nn.Module):
    """Each cell attends to all cells, after a layer norm, in several heads; adds nothing at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.project = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``B×C×h×w`` → ``B×C×h×w``."""
        batch, channels, height, width = x.shape
        cells = x.flatten(2).transpose(1, 2)
        heads = self.project(self.norm(cells)).view(batch, height * width, 3, channels // _HEADS, _HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        mixed = self.out(mixed.transpose(1, 2).reshape(batch, height * width, channels))
        return x + mixed.transpose(1, 2).view(batch, channels, height, width)


class NeckBlock(nn.Module):
    """Attention, then an inverted residual whose 3×3 filter also gives positions (as in PVT v2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = Attention(channels)
        self.norm = nn.GroupNorm(1, channels)
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 1),
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels),
            nn.ReLU(),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``B×C×h×w`` → ``B×C×h×w``."""
        x = self.attention(x)
        return x + self.layers(self.norm(x))


class Neck(nn.Module):
    """Context for the deepest maps, once a photo: what belongs to one object, seen from the whole photo."""

    def __init__(self, inputs: int, blocks: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(inputs, _NECK_WIDTH, 1)
        self.blocks = nn.Sequential(*(NeckBlock(_NECK_WIDTH) for _ in range(blocks)))
        self.norm = nn.GroupNorm(1, _NECK_WIDTH)
        self.to_mix = nn.Conv2d(_NECK_WIDTH, _WIDTH, 1)
        self.to_unit = nn.Conv2d(_NECK_WIDTH, _UNIT, 1)
        self.to_deep = nn.Conv2d(_NECK_WIDTH, _DEEP_WIDTH, 1)
        for last in (self.to_mix, self.to_unit, self.to_deep):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``B×inputs×h×w`` → what is added to `mix`, `emb` and the deep map: 48, 32 and 96 channels."""
        x = self.norm(self.blocks(self.enter(x)))
        return self.to_mix(x), self.to_unit(x), self.to_deep(x)


class FineHead(nn.Module):
    """A finer answer: the decoder's last map laid over the backbone's first one, at stride 2."""

    def __init__(self, detail_channels: int) -> None:
        super().__init__()
        self.detail = nn.Conv2d(detail_channels, _FINE_WIDTH, 1)
        self.enter = nn.Conv2d(_WIDTH, _FINE_WIDTH, 1)
        self.blocks = nn.ModuleList(_residual(_FINE_WIDTH, dilation) for dilation in (1, 2))
        self.out = nn.Conv2d(_FINE_WIDTH, 1, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, detail: Tensor) -> Tensor:
        """Last map ``B×48×h×w`` and detail ``B×24×2h×2w`` → ``B×1×2h×2w``, to be added to the logits."""
        x = functional.relu(_enlarged(self.enter(x), detail) + detail)
        for block in self.blocks:
            x = x + block(x)
        return self.out(x)


class Decoder(nn.Module):
    """From the backbone's maps to an :class:`Embedded`, and from there with strokes to logits."""

    def __init__(self, channels: Sequence[int], detail_channels: int, parts: Parts) -> None:
        super().__init__()
        joined = sum(_TAPS.values())
        self.proj = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 1))
            for inputs, outputs in zip(channels, _TAPS.values(), strict=True)
        )
        self.mix = nn.Sequential(nn.Conv2d(joined, _WIDTH, 1), nn.BatchNorm2d(_WIDTH), nn.ReLU())
        self.emb = nn.Conv2d(joined, _UNIT, 1)
        self.inp = nn.Conv2d(_WIDTH + GUIDANCE_CHANNELS + 1, _WIDTH, 3, padding=1)
        self.b1 = nn.ModuleList(_residual(_WIDTH, dilation) for dilation in (1, 2))
        self.down = nn.Sequential(nn.AvgPool2d(DEEP_STRIDE // STRIDE), nn.Conv2d(_WIDTH, _DEEP_WIDTH, 1))
        self.deep = nn.ModuleList(_residual(_DEEP_WIDTH, dilation) for dilation in (1, 2, 4, 1))
        self.glob = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(_DEEP_WIDTH, _DEEP_WIDTH, 1), nn.ReLU())
        self.up = nn.Conv2d(_DEEP_WIDTH, _WIDTH, 1)
        self.b2 = nn.ModuleList(_residual(_WIDTH, dilation) for dilation in (1, 2, 1))
        self.out = nn.Conv2d(_WIDTH, 1, 1)
        self.neck = Neck(sum(list(_TAPS.values())[-2:]), parts.neck) if parts.neck else None
        self.attend = nn.ModuleList(Attention(_DEEP_WIDTH) for _ in range(parts.attention))
        self.fine = FineHead(detail_channels) if parts.fine else None

    def embed(self, maps: Sequence[Tensor], detail: Tensor | None) -> Embedded:
        """The maps of :data:`_TAPS` and the finest one → what the answers need."""
        reduced = [proj(map_) for proj, map_ in zip(self.proj, maps, strict=True)]
        joined = torch.cat([_enlarged(map_, reduced[0]) for map_ in reduced], 1)
        conv, norm, relu = self.mix
        mixed, unit, deep = norm(conv(joined)), self.emb(joined), None
        if self.neck is not None:
            to_mix, to_unit, deep = self.neck(torch.cat(reduced[-2:], 1))
            mixed, unit = mixed + _enlarged(to_mix, mixed), unit + _enlarged(to_unit, unit)
        base = functional.conv2d(relu(mixed), self.inp.weight[:, :_WIDTH], self.inp.bias, padding=1)
        if self.fine is not None and detail is not None:
            detail = self.fine.detail(detail)
        return Embedded(base, functional.normalize(unit.float(), dim=1), deep, detail)

    def answer(self, embedded: Embedded, guidance: Tensor) -> Rough:
        """Photos and ``B×9×h×w`` guidance (the mask before is its last map) → an answer at stride 4.

        A photo may stand for several: an `embedded` of one photo fits guidance of any B.
        """
        guidance = guidance.contiguous(memory_format=torch.channels_last)
        x = embedded.base + functional.conv2d(guidance, self.inp.weight[:, _WIDTH:], padding=1)
        x = functional.relu(x)
        for block in self.b1:
            x = x + block(x)
        deep = self.down(x)
        if embedded.deep is not None:
            deep = deep + embedded.deep
        for index, block in enumerate(self.deep):
            deep = deep + block(deep)
            if index < len(self.attend):
                deep = self.attend[index](deep)
        deep = deep + self.glob(deep)
        x = x + _enlarged(self.up(deep), x)
        for block in self.b2:
            x = x + block(x)
        return Rough(self.out(x), x)

    def finish(self, embedded: Embedded, rough: Rough) -> Tensor:
        """An answer at stride 4 → logits ``B×1×2h×2w`` at stride 2, or as they are without a fine head."""
        if self.fine is None or embedded.detail is None:
            return rough.logits
        return _enlarged(rough.logits, embedded.detail) + self.fine(rough.last, embedded.detail)


class StrokeNet(nn.Module):
    """Backbone and decoder; see the module. Parameters are named as in the published file."""

    def __init__(self, backbone: Backbone, parts: Parts = FULL) -> None:
        super().__init__()
        self.backbone = backbone
        self.parts = parts
        taps = [name for name in _TAPS if name not in {tap.name for tap in backbone.taps}]
        if backbone.name != "affinity_small" or backbone.output_stride != DEEP_STRIDE:
            raise ValueError(f"the stroke network is made for affinity_small at stride 16, not {taps}")
        # Beyond the deepest map that is read there is a wide layer for classifiers.
        backbone.features = backbone.get_submodule("features")[:17]  # type: ignore[index]
        self.decoder = Decoder((24, 32, 96, 320), 16, parts)

    @property
    def fine_stride(self) -> int:
        """Pixels to a cell of the answer."""
        return FINE_STRIDE if self.parts.fine else STRIDE

    def embed(self, x: Tensor) -> Embedded:
        """Normalised photos ``B×3×H×W``, sides multiples of 16 → what the answers need of them."""
        names = [*([_DETAIL] if self.parts.fine else []), *_TAPS]
        maps: dict[str, Tensor] = {}
        for name, map_ in self.backbone.walk(x):
            if name in names:
                maps[name] = map_
        return self.decoder.embed([maps[name] for name in _TAPS], maps.get(_DETAIL))

    def rough(self, embedded: Embedded, guidance: Tensor, before: Tensor) -> Rough:
        """Return an answer at stride 4.

        Args:
            embedded: of one photo, or of B.
            guidance: ``B×8×h×w`` maps of the strokes, of :func:`trainer.method.guidance.guidance`.
            before: ``B×1×h×w`` in [0, 1], the mask before.
        """
        return self.decoder.answer(embedded, torch.cat([guidance, before], 1))

    def answer(self, embedded: Embedded, guidance: Tensor, before: Tensor) -> Tensor:
        """As :meth:`rough`, but all the way: logits ``B×1×h'×w'`` at :attr:`fine_stride`."""
        return self.finish(embedded, self.rough(embedded, guidance, before))

    def finish(self, embedded: Embedded, rough: Rough) -> Tensor:
        """Return the logits of :meth:`answer` for an answer at stride 4."""
        return self.decoder.finish(embedded, rough)


def _enlarged(maps: Tensor, like: Tensor) -> Tensor:
    """Enlarge maps bilinearly to the grid of others; a cell is a block of the finer grid."""
    size = like.shape[-2:]
    if maps.shape[-2:] == size:
        return maps
    return functional.interpolate(maps, size, mode="bilinear", align_corners=False)


def new_stroke_net(backbone: Backbone, parts: Parts = FULL) -> StrokeNet:
    """Return a stroke network with an untrained decoder on a trained backbone, batch norm as stored."""
    return StrokeNet(backbone.freeze_norm(), parts)


def load_stroke_net(path: Path, parts: Parts | None = None) -> StrokeNet:
    """Read a file of :func:`save_stroke_net`, in evaluation mode.

    Args:
        path: the file.
        parts: what the network shall have; the parts that the file lacks begin by adding nothing.
            None: as in the file.

    Raises:
        WeightsError: the file is absent, damaged, or of another network.
    """
    tensors, metadata = read_tensors(path)
    try:
        stored = Parts(**json.loads(metadata.get(_RECORD, "{}")))
        wanted = parts or stored
        mean, std = (tuple(json.loads(metadata[key])) for key in ("mean", "std"))
        backbone = build_backbone(metadata["backbone"], DEEP_STRIDE)
        backbone.convention = InputConvention(mean, std)
        net = new_stroke_net(backbone, wanted)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} holds no stroke network; give the file of one") from error
    state, lacking = net.state_dict(), []
    for name, value in state.items():
        if name in tensors and tensors[name].shape == value.shape:
            state[name] = tensors[name].to(value.dtype)
        elif not name.endswith("num_batches_tracked"):
            lacking.append(name)
    grown = tuple(f"decoder.{part}." for part in ("neck", "attend", "fine"))
    if any(not (parts and name.startswith(grown)) for name in lacking):
        raise WeightsError(f"{path} is for another stroke network ({lacking[0]} does not fit)")
    net.load_state_dict(state)
    return net.eval()


def save_stroke_net(path: Path, net: StrokeNet) -> None:
    """Write a network as safetensors, weights in half precision, in one piece or not at all.

    Raises DataError where the file cannot be written.
    """
    convention = net.backbone.convention
    metadata = {
        "backbone": net.backbone.name,
        "mean": json.dumps(convention.mean),
        "std": json.dumps(convention.std),
        _RECORD: json.dumps({field.name: getattr(net.parts, field.name) for field in fields(Parts)}),
    }
    state = {
        name: value for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked")
    }
    save_tensors(path, state, metadata, half=True)
