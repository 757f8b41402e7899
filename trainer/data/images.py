"""Reading photos of any usual kind as upright 8-bit RGB, and label maps as palette PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ExifTags import Base as Exif

from trainer.data.atomic import write_atomically
from trainer.data.files import check_plain
from trainer.data.palette import voc_palette
from trainer.errors import DataError
from trainer.translatable import translatable

Map = TypeVar("Map", bound=NDArray[Any])
"""A map of labels or numbers (H, W)."""
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp"})
"""Lower-case suffixes of the files that are taken for images."""
MAX_PIXELS = 200_000_000
"""Images with more pixels are refused: most likely a decompression bomb, surely too much for the memory."""

STRETCHED = (0.1, 99.9)
"""Percentiles that become black and white where an image has no known range: hot pixels do not count."""
_FULL_RANGE = 1 << 14
"""A 16-bit image without any value from here on comes from a camera of 12 or 14 bits, and would be dark."""

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP")  # of several photos in one JPEG (MPO) the first is read
_TURNS = {
    1: (False, 0), 2: (True, 0), 3: (False, 2), 4: (True, 2),
    5: (True, 1), 6: (False, 3), 7: (True, 3), 8: (False, 1),
}  # fmt: skip
"""EXIF orientation → whether left and right change, then quarter turns against the clock."""
TURNED = {5, 6, 7, 8}
"""The EXIF orientations that swap width and height."""

# Pillow's own limit is lower; ours is checked in `opened`, before a single pixel is decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def load_image(path: Path) -> NDArray[np.uint8]:
    """Read an image as uint8 RGB (H, W, 3) with its EXIF orientation applied.

    Grey, palette and CMYK images are converted, 16-bit ones scaled, transparent ones laid on white; only the
    first of several frames is read. Raises `DataError` naming the file where it is missing, damaged, not an
    image, or larger than `MAX_PIXELS`.
    """
    with opened(path) as image:
        return to_rgb8(ImageOps.exif_transpose(image))


def image_size(path: Path) -> tuple[int, int]:
    """Return (height, width) as `load_image` would, from the file's header alone."""
    with opened(path) as image:
        width, height = image.size
        # Pillow already swaps the size of a turned TIFF.
        turned = image.format != "TIFF" and orientation(image) in TURNED
        return (width, height) if turned else (height, width)


def thumbnail(path: Path, side: int) -> NDArray[np.uint8]:
    """Read an image as uint8 RGB, reduced to at most `side` pixels on its long side, never enlarged."""
    with opened(path) as image:
        # JPEG decodes at a fraction of its size for a fraction of the time.
        image.draft(None, (2 * side, 2 * side))
        picture = Image.fromarray(to_rgb8(ImageOps.exif_transpose(image)))
        picture.thumbnail((side, side))
        return np.asarray(picture)


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation (1…8, 1 is upright) that is still to be applied to an opened image."""
    return int(image.getexif().get(Exif.Orientation, 1))


def stored_orientation(path: Path) -> int:
    """Return the EXIF orientation (1…8) of a photo, as `load_image` applies it."""
    with opened(path) as image:
        return orientation(image)


def turned(labels: Map, orientation: int) -> Map:
    """Turn a map (H, W) as an EXIF orientation (1…8) turns a photo."""
    flat, steps = _TURNS[orientation]
    return cast("Map", np.ascontiguousarray(np.rot90(labels[:, ::-1] if flat else labels, steps)))


def is_upright_jpeg(path: Path) -> bool:
    """Tell whether a file is an RGB or grey JPEG that shows upright as it is stored."""
    with opened(path) as image:
        return image.format == "JPEG" and image.mode in ("RGB", "L") and orientation(image) == 1


def to_rgb8(image: Image.Image) -> NDArray[np.uint8]:
    """Convert an image of any mode to uint8 RGB (H, W, 3).

    16-bit values are divided by 257, so that the full range stays the full range. Those of cameras of fewer
    bits, 32-bit integers and floats have no range that is known, and are stretched from nearly the smallest
    to nearly the largest value (`STRETCHED`, in percent of the pixels).
    """
    if image.mode.startswith("I;16"):
        values = np.asarray(image)
        if values.max() >= _FULL_RANGE:
            return _grey_to_rgb((values.astype(np.uint32) + 128) // 257)
        return _grey_to_rgb(_stretched(values.astype(np.float64)))
    if image.mode in ("I", "F"):
        return _grey_to_rgb(_stretched(np.asarray(image, dtype=np.float64)))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.array(image.convert("RGB"))


def load_mask(path: Path) -> NDArray[np.uint8]:
    """Read a label map as uint8 (H, W): the indices of a palette image, or the values of a grey one.

    Raises `DataError` naming the file where it is missing or damaged, or a colour picture instead of labels.
    """
    with opened(path) as image:
        if image.mode not in ("P", "L", "1"):
            raise DataError(
                f"{path} is no label map (its mode is {image.mode}); save it as palette or 8-bit grey"
            )
        return np.array(image).astype(np.uint8)


def save_mask(path: Path, labels: NDArray[np.uint8]) -> None:
    """Write labels (H, W), uint8, as a palette PNG in VOC colours; `load_mask` reads it back bit for bit."""
    with write_atomically(path) as temporary:
        palette_image(labels).save(temporary, format="PNG")


def palette_image(labels: NDArray[np.uint8]) -> Image.Image:
    """Return labels (H, W), uint8, as a Pillow image of mode P with the VOC palette."""
    if labels.dtype != np.uint8 or labels.ndim != 2:
        raise ValueError(f"labels must be uint8 (H, W), not {labels.dtype} {labels.shape}")
    image = Image.fromarray(labels)
    image.putpalette(voc_palette().tobytes())
    return image


@contextmanager
def opened(path: Path, content: bytes | None = None) -> Iterator[Image.Image]:
    """Open an image of a known format and a sane size; everything Pillow may raise becomes a `DataError`.

    With `content` that is the image, and `path` only its name.
    """
    if content is None:
        check_plain(path)
    try:
        with Image.open(path if content is None else io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(
            translatable(
                "{path} has more than {limit} million pixels; reduce it or leave it out",
                path=path,
                limit=MAX_PIXELS // 1_000_000,
            )
        ) from None
    except Image.UnidentifiedImageError:
        if (path.stat().st_size if content is None else len(content)) == 0:
            raise DataError(translatable("{path} is empty; replace it or leave it out", path=path)) from None
        raise DataError(
            translatable("{path} is not an image this program reads; convert it to PNG or JPEG", path=path)
        ) from None
    except MemoryError:
        raise DataError(
            translatable("{path} does not fit into the memory; reduce it or leave it out", path=path)
        ) from None
    # Pillow's decoders raise nearly anything on damaged bytes (struct.error, KeyError, SyntaxError, …).
    except Exception as error:
        raise DataError(
            translatable(
                "{path} cannot be read ({problem}); it may be damaged: replace it or leave it out",
                path=path,
                problem=error,
            )
        ) from error


def _stretched(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = values[np.isfinite(values)]
    if not known.size:
        return np.zeros_like(values)
    low, high = np.percentile(known, STRETCHED)
    if high <= low:  # a few pixels that differ from all others
        low, high = known.min(), known.max()
    if high <= low:
        return np.zeros_like(values)
    return np.clip(np.nan_to_num((values - low) * (255 / (high - low)), nan=0.0), 0, 255)


def _grey_to_rgb(grey: NDArray) -> NDArray[np.uint8]:
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)
