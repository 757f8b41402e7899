"""From strokes to a mask with the stroke network: looks at the whole photo, then closer at the object.

An answer depends on the photo, the automatic mask and the strokes alone, never on what was asked before: the
network is asked several times, each time with all strokes, and told its last answer as the mask before.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from trainer.data.classes import BACKGROUND, UNTOUCHED
from trainer.method.guidance import guidance
from trainer.models.fuse import fused_for_inference
from trainer.models.registry import BUNDLED_STROKES
from trainer.models.stroke_net import DEEP_STRIDE, STRIDE, Embedded, Rough, StrokeNet, load_stroke_net

LONG_SIDE = 384
"""Pixels of the longer side of what the network is shown."""
PASSES = 2
"""How often the network is asked about the whole photo, each time told its last answer."""
CLOSER_BELOW = 0.8
"""A closer look pays where the object's surroundings are less than this part of the photo's longer side."""
MARGIN = 0.15
"""What a closer look shows around the object, as a part of the object's longer side, on each side."""
STEPS = 12
"""Sides of a closer look lie on a lattice of so many steps a side, so that it seldom moves."""
_KEPT = 4
_BAND = 32


class Box(NamedTuple):
    """A part of a photo in pixels: rows top…bottom and columns left…right, the last ones not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(eq=False)
class PhotoEmbedding:
    """A photo as the stroke network sees it. Safe to use from several threads.

    Attributes:
        image: uint8 H×W×3.
        whole: the maps of the whole photo.
    """

    image: np.ndarray
    whole: Embedded
    closer: OrderedDict[Box, Embedded] = field(default_factory=OrderedDict, repr=False)
    """Maps of parts of the photo, the last used last; they can be computed again at any time."""
    lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photo."""
        return self.image.shape[:2]  # type: ignore[return-value]

    def forget_parts(self) -> None:
        """Free the maps of parts, tens of megabytes; the next closer look makes its own again."""
        with self.lock:
            self.closer.clear()


class Painted(NamedTuple):
    """The pixels that strokes cover, N of them: rows and columns, int64, and labels, uint8."""

    y: np.ndarray
    x: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, corrections: np.ndarray) -> Painted:
        """Find them in uint8 H×W, 255 untouched."""
        # Places in one dimension are found much quicker than rows and columns.
        places = np.flatnonzero(corrections != UNTOUCHED)
        return cls(*np.divmod(places, corrections.shape[1]), corrections.ravel()[places])


class StrokeModel:
    """A stroke network in use. Its methods are functions of their arguments alone.

    It stays on the CPU where the other networks are on a GPU: its maps are small, and its answers to strokes
    are given on several threads, whatever becomes of the GPU.

    Args:
        net: the network; it is copied, batch norm folded.
    """

    def __init__(self, net: StrokeNet, passes: int = PASSES, closer: bool = True) -> None:
        self._net = fused_for_inference(net)
        self._passes, self._closer = passes, closer

    @classmethod
    @cache
    def bundled(cls) -> StrokeModel:
        """Return the network that ships with the program, read once."""
        return cls(load_stroke_net(BUNDLED_STROKES))

    def embed(self, image: np.ndarray) -> PhotoEmbedding:
        """Return what answers need of a photo, uint8 H×W×3: the costly part, once."""
        with few_threads():
            return PhotoEmbedding(image, self._maps(image))

    def propose(self, photo: PhotoEmbedding, automatic: np.ndarray) -> np.ndarray:
        """Return the mask uint8 H×W that the network makes of an automatic one without any stroke."""
        return self.refine(photo, automatic, np.full(photo.size, UNTOUCHED, np.uint8))

    def refine(
        self, photo: PhotoEmbedding, automatic: np.ndarray | None, corrections: np.ndarray
    ) -> np.ndarray:
        """Return the mask that strokes make of an automatic one.

        Args:
            photo: of :meth:`embed`.
            automatic: uint8 H×W, 0 background or class id (255 counts as background); None: nothing is known.
            corrections: uint8 H×W, the strokes: 255 untouched, 0 background or a class id, tagged or not.

        Returns:
            uint8 H×W: 0 background or class id; strokes are kept to the pixel.
        """
        *_, mask = self.answers(photo, automatic, corrections, sketch=False)
        return mask

    def answers(
        self,
        photo: PhotoEmbedding,
        automatic: np.ndarray | None,
        corrections: np.ndarray,
        sketch: bool = True,
    ) -> Iterator[np.ndarray]:
        """Yield the mask of :meth:`refine`; arguments as there.

        A closer look at a part of the photo that nobody has looked at yet takes longest. With `sketch`, the
        mask as it is without that look is yielded before it: what somebody waits for comes in half the time.
        """
        painted = Painted.of(corrections)
        if automatic is not None:
            automatic = _thinned(automatic)
        classes = classes_of(automatic, painted.labels)
        if not classes:
            mask = np.zeros(photo.size, np.uint8)
            mask[painted.y, painted.x] = painted.labels
            yield mask
            return
        with few_threads():
            rough = self._rough(photo, classes, automatic, painted)
        found = (rough.logits[:, 0] > 0).numpy()
        boxes = [closer_box(own, photo.size) if self._closer else None for own in found]
        at_hand = [box if box in photo.closer else None for box in boxes]
        if sketch and at_hand != boxes:
            yield self._draw(photo, classes, rough, at_hand, painted)
        yield self._draw(photo, classes, rough, boxes, painted)

    def _draw(
        self,
        photo: PhotoEmbedding,
        classes: Sequence[int],
        rough: Rough,
        boxes: Sequence[Box | None],
        painted: Painted,
    ) -> np.ndarray:
        """Return the mask of what was seen on the whole photo and, for each class, in its box."""
        mask = np.zeros(photo.size, np.uint8)
        with few_threads():
            logits = self._finished(photo, rough, [index for index, box in enumerate(boxes) if box is None])
            _draw_labels(mask, logits, classes)
            for index, box in enumerate(boxes):
                if box is not None:
                    self._look_closer(photo, classes, index, box, logits, painted, mask)
        mask[painted.y, painted.x] = painted.labels
        return mask

    def glimpse(
        self, photo: PhotoEmbedding, automatic: np.ndarray, corrections: np.ndarray, label: int
    ) -> np.ndarray:
        """Return roughly where :meth:`refine` finds one class, bool H×W, in the least time.

        It is seen on the whole photo alone, without fine outlines, and no other class contends for a pixel.
        """
        painted = Painted.of(corrections)
        mask = np.zeros(photo.size, np.uint8)
        with few_threads():
            rough = self._rough(photo, [label], _thinned(automatic), painted)
            _draw_labels(mask, rough.logits[:, 0], [label])
        mask[painted.y, painted.x] = painted.labels
        return mask == label

    @torch.inference_mode()
    def _rough(
        self,
        photo: PhotoEmbedding,
        classes: Sequence[int],
        automatic: np.ndarray | None,
        painted: Painted,
    ) -> Rough:
        """Return how much each class wins over the rest on the whole photo, 0 being undecided: K answers."""
        grid = photo.whole.base.shape[-2:]
        whole = Box(0, 0, *photo.size)
        before = torch.zeros(len(classes), 1, *grid)
        if automatic is not None:
            before = _before(automatic, classes, grid)
        strokes = guidance(coverage(painted, classes, whole, grid), photo.whole.unit)
        for _ in range(self._passes - 1):
            before = self._net.rough(photo.whole, strokes, before).logits.sigmoid()
        return self._net.rough(photo.whole, strokes, before)

    @torch.inference_mode()
    def _finished(self, photo: PhotoEmbedding, rough: Rough, fine: Sequence[int]) -> Tensor:
        """Return logits K×h×w on the answer's grid, with fine outlines for the classes of index `fine`.

        A class that is looked at closer gets them there.
        """
        cells = STRIDE // self._net.fine_stride
        logits = functional.interpolate(
            rough.logits, scale_factor=cells, mode="bilinear", align_corners=False
        )
        if fine:
            logits[fine] = self._net.finish(photo.whole, Rough(rough.logits[fine], rough.last[fine]))
        return logits[:, 0]

    @torch.inference_mode()
    def _look_closer(
        self,
        photo: PhotoEmbedding,
        classes: Sequence[int],
        index: int,
        box: Box,
        logits: Tensor,
        painted: Painted,
        mask: np.ndarray,
    ) -> None:
        """Draw a class into `mask` as it is seen in a part of the photo.

        A pixel that another class won on the whole photo is taken from it by a larger logit only.
        """
        label, own = classes[index], logits[index]
        maps = self._closer_maps(photo, box)
        grid = maps.base.shape[-2:]
        strokes = guidance(coverage(painted, [label], box, grid), maps.unit)
        before = _cut(own.sigmoid(), box, photo.size, grid)
        answer = self._net.answer(maps, strokes, before)
        others = torch.cat([logits[:index], logits[index + 1 :]])
        if len(others):
            rival = others.amax(0).clamp(min=0)
            answer = answer - _cut(rival, box, photo.size, answer.shape[-2:])
        part = mask[box.slices]
        np.copyto(part, BACKGROUND, where=part == label)
        _draw_labels(part, answer[0], [label])

    def _closer_maps(self, photo: PhotoEmbedding, box: Box) -> Embedded:
        with photo.lock:
            if box in photo.closer:
                photo.closer.move_to_end(box)
                return photo.closer[box]
        maps = self._maps(photo.image[box.slices])
        with photo.lock:
            photo.closer[box] = maps
            while len(photo.closer) > _KEPT:
                photo.closer.popitem(last=False)
        return maps

    @torch.inference_mode()
    def _maps(self, image: np.ndarray) -> Embedded:
        height, width = working_size(image.shape[:2], LONG_SIDE)
        # Large photos first by a whole factor, which is quick.
        seen = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        pixels = self._net.backbone.convention.normalise(np.asarray(seen))
        return self._net.embed(pixels.contiguous(memory_format=torch.channels_last))


@contextmanager
def few_threads() -> Iterator[None]:
    """Compute on half of the cores and at most four threads: on maps this small more of them only wait for
    each other, and beside another busy process for long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(min(before, max(1, min(4, (os.cpu_count() or 1) // 2))))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def working_size(size: Sequence[int], long_side: int = LONG_SIDE) -> tuple[int, int]:
    """Return (h, w) at which the network sees a photo or part of `size`: multiples of 16, the same shape."""
    scale = long_side / max(size)
    height, width = (max(1, round(side * scale / DEEP_STRIDE)) * DEEP_STRIDE for side in size)
    return height, width


def classes_of(automatic: np.ndarray | None, labels: np.ndarray) -> list[int]:
    """Return the ids of the classes that automatic mask or strokes name, in order; not background or 255."""
    found = np.zeros(256, bool)
    for some in (automatic, labels):
        if some is not None:
            found |= np.bincount(some.ravel(), minlength=256) > 0
    found[[BACKGROUND, UNTOUCHED]] = False
    return np.flatnonzero(found).tolist()


def coverage(painted: Painted, classes: Sequence[int], box: Box, grid: Sequence[int]) -> Tensor:
    """Return the share of each cell that strokes cover, K×2×h×w: those of each class, and all others.

    Args:
        painted: the strokes of the photo.
        classes: ids, one a row of the result.
        box: the part of the photo that the grid covers.
        grid: (h, w).
    """
    (height, width), (rows, columns) = box.size, grid
    y, x = painted.y - box.top, painted.x - box.left
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    y, x, labels = y[inside], x[inside], painted.labels[inside]
    cells = (y * rows // height) * columns + x * columns // width
    shares = np.empty((len(classes), 2, rows * columns), np.float32)
    for row, label in enumerate(classes):
        for sign, chosen in enumerate((labels == label, labels != label)):
            shares[row, sign] = np.bincount(cells[chosen], minlength=rows * columns)
    shares *= rows * columns / (height * width)
    return torch.from_numpy(np.minimum(shares, 1)).view(len(classes), 2, rows, columns)


def closer_box(object_: np.ndarray, size: Sequence[int]) -> Box | None:
    """Return the part of a photo of `size` (H, W) worth a closer look at an object, given on any grid.

    None where the object fills the photo, or there is none.
    """
    spans = []
    for axis, side in enumerate(size):
        places = np.flatnonzero(object_.any(1 - axis))
        if len(places) == 0:
            return None
        cells = object_.shape[axis]
        spans.append((places[0] * side / cells, (places[-1] + 1) * side / cells))
    margin = MARGIN * max(high - low for low, high in spans)
    sides = []
    for (low, high), side in zip(spans, size, strict=True):
        step = max(size) / STEPS
        low, high = np.floor((low - margin) / step) * step, np.ceil((high + margin) / step) * step
        sides.append((max(0, round(low)), min(side, round(high))))
    (top, bottom), (left, right) = sides
    if max(bottom - top, right - left) > CLOSER_BELOW * max(size):
        return None
    return Box(top, left, bottom, right)


def _before(automatic: np.ndarray, classes: Sequence[int], grid: Sequence[int]) -> Tensor:
    masks = np.stack([automatic == label for label in classes]).astype(np.float32)
    return functional.interpolate(torch.from_numpy(masks)[:, None], tuple(grid), mode="area")


def _cut(values: Tensor, box: Box, size: Sequence[int], grid: Sequence[int]) -> Tensor:
    """Sample a map h×w of a photo of `size` inside a box, 1×1×grid."""
    axes = []
    for low, high, side, cells in (
        (box.top, box.bottom, size[0], grid[0]),
        (box.left, box.right, size[1], grid[1]),
    ):
        centres = low + (torch.arange(cells) + 0.5) * (high - low) / cells
        axes.append(2 * centres / side - 1)
    y, x = torch.meshgrid(*axes, indexing="ij")
    return functional.grid_sample(
        values[None, None], torch.stack([x, y], -1)[None], align_corners=False, padding_mode="border"
    )


def _thinned(automatic: np.ndarray) -> np.ndarray:
    """Leave so many pixels of a large mask that a cell of the network still has some 8 × 8."""
    step = max(1, max(automatic.shape) * STRIDE // (8 * LONG_SIDE))
    return automatic[step // 2 :: step, step // 2 :: step] if step > 1 else automatic


def _draw_labels(mask: np.ndarray, logits: Tensor, classes: Sequence[int]) -> None:
    """Draw each class into `mask`, uint8 H×W, where its logits, enlarged, are the largest and above 0.

    Args:
        mask: what is drawn upon.
        logits: K×h×w, enlarged bilinearly (half-cell convention).
        classes: ids, one a row.
    """
    (height, width), cells = mask.shape, logits.shape[1]
    wide = functional.interpolate(logits, width, mode="linear", align_corners=False)
    places = ((torch.arange(height) + 0.5) * cells / height - 0.5).clamp(0, cells - 1)
    upper = places.long()
    lower, share = (upper + 1).clamp(max=cells - 1), (places - upper)[:, None]
    # A few rows at a time stay in the processor's cache, which takes a quarter of the time.
    for rows in (slice(top, top + _BAND) for top in range(0, height, _BAND)):
        best = torch.zeros(())
        for label, row in zip(classes, wide, strict=True):
            band = torch.lerp(row[upper[rows]], row[lower[rows]], share[rows])
            np.copyto(mask[rows], label, where=(band > best).numpy())
            if len(classes) > 1:
                best = torch.maximum(band, best)
