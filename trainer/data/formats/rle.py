"""COCO's run-length encoding of masks: column by column, the pixels outside and inside in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.errors import DataError


def encode(inside: NDArray[np.bool_]) -> list[int]:
    """Return the lengths of the runs of (H, W), the first being of pixels outside."""
    pixels = inside.ravel(order="F")
    ends = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    lengths = np.diff(ends, prepend=0, append=pixels.size).tolist()
    return [0, *lengths] if pixels[0] else lengths


def decode(counts: Sequence[int] | str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return (H, W) of run lengths, as a list or as the text that pycocotools compresses them to.

    Raises `DataError` where they do not fill the image.
    """
    try:
        lengths = np.asarray(_expanded(counts) if isinstance(counts, str) else counts, np.int64)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError("a run-length encoded mask has a length that is no number") from error
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != shape[0] * shape[1]:
        raise DataError("a run-length encoded mask is not of its image's size")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(shape, order="F")


def _expanded(text: str) -> list[int]:
    """Numbers in groups of five bits, 48 being added; from the fourth on, differences to the one but last."""
    numbers: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        numbers.append(value + (numbers[-2] if len(numbers) > 2 else 0))
        value = shift = 0
    return numbers
