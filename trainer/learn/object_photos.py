"""Photos with the masks of their objects, held as tensors: what the stroke network learns from."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image, ImageOps
from scipy import ndimage
from torch import Tensor

from trainer.data.classes import VOID
from trainer.data.images import IMAGE_SUFFIXES, opened, to_rgb8
from trainer.data.images import orientation as orientation_of
from trainer.data.location import existing_project
from trainer.data.masks import MaskReader, fitted
from trainer.data.project import Project, Status
from trainer.data.zip_files import ZipFolder
from trainer.errors import DataError
from trainer.progress import NullReporter, Reporter

SIDE = 352
"""Pixels of the longer side at which photos are kept; larger ones are reduced."""
MASK_FOLDERS = ("objects", "SegmentationObject", "SegmentationClass")
"""Where label maps lie beside ``JPEGImages``, the first one that has the photo's."""

_LEAST_SHARE = 0.003
"""Objects that cover less of a photo are not learnt from."""
_PART_CHANCE, _PAIR_CHANCE, _MOST_PAIRS = 0.4, 0.25, 3
_WORKERS = 8

_READER = MaskReader()
"""Labels may be of classes or of instances."""

Reader = Callable[[], bytes]


@dataclass(frozen=True)
class Pair:
    """A photo and its label map, still encoded; `name` does not depend on where the collection lies."""

    name: str
    photo: Reader
    labels: Reader


@dataclass(frozen=True)
class Targets:
    """The objects of one photo that can be asked for.

    Attributes:
        parts: uint8 H×W: connected areas of one label, numbered from 1; 0 background, 255 void.
        members: bool T×256, the parts that each object consists of.
        boxes: float32 T×4, (top, left, bottom, right) in pixels.
        chances: float64 ``(T,)`` that sum to one.
    """

    parts: np.ndarray
    members: np.ndarray
    boxes: np.ndarray
    chances: np.ndarray


@dataclass(frozen=True, eq=False)
class ObjectPhotos:
    """N photos, each in the upper left of a square, with all that is drawn from them.

    Attributes:
        names: of the photos.
        pixels: uint8 ``N×3×side×side``.
        parts: uint8 ``N×side×side``, see :class:`Targets`.
        sizes: int ``N×2``, heights and widths.
        targets: of each photo; their `parts` are empty.
    """

    names: tuple[str, ...]
    pixels: Tensor
    parts: Tensor
    sizes: np.ndarray
    targets: tuple[Targets, ...]

    def to(self, device: str) -> ObjectPhotos:
        """The same with its tensors on a device."""
        return ObjectPhotos(
            self.names, self.pixels.to(device), self.parts.to(device), self.sizes, self.targets
        )

    def subset(self, indices: Sequence[int]) -> ObjectPhotos:
        """Some of the photos."""
        chosen = torch.as_tensor(list(indices), dtype=torch.int64)
        return ObjectPhotos(
            tuple(self.names[index] for index in indices),
            self.pixels[chosen.to(self.pixels.device)],
            self.parts[chosen.to(self.parts.device)],
            self.sizes[list(indices)],
            tuple(self.targets[index] for index in indices),
        )


def find_pairs(sources: Iterable[Path], exclude: Iterable[str] = ()) -> list[Pair]:
    """Find the photos that have a label map, in the order of their names.

    Args:
        sources: folders or zip files that hold, at any depth, ``JPEGImages`` beside one of
            :data:`MASK_FOLDERS`; or projects, by file or folder, of which the accepted masks are taken.
        exclude: names of photos, without folder and ending, to leave out.

    Raises:
        DataError: a source cannot be read or holds none.
    """
    left_out = set(exclude)
    pairs: list[Pair] = []
    for source in sources:
        if accepted := _of_project(source, left_out):
            pairs += accepted
            continue
        files = _in_zip(source) if source.is_file() else _in_folder(source)
        maps = {
            (path.parent.parent, path.parent.name, path.stem): reader
            for path, reader in files.items()
            if path.parent.name in MASK_FOLDERS and path.suffix.lower() == ".png"
        }
        found = []
        for path, reader in files.items():
            if path.parent.name != "JPEGImages" or path.suffix.lower() not in IMAGE_SUFFIXES:
                continue
            labels = next(
                (
                    maps[key]
                    for folder in MASK_FOLDERS
                    if (key := (path.parent.parent, folder, path.stem)) in maps
                ),
                None,
            )
            if labels is not None and path.stem not in left_out:
                found.append(Pair(str(path.with_suffix("")), reader, labels))
        if not found:
            raise DataError(
                f"{source} has no photos with masks; give a folder or zip with JPEGImages and objects or "
                "SegmentationClass beside it, or a project with accepted masks"
            )
        taken = {pair.name for pair in pairs}
        # Two archives may have a photo of one name; each must be told from the other.
        pairs += [
            replace(pair, name=f"{source.name}/{pair.name}") if pair.name in taken else pair for pair in found
        ]
    return sorted(pairs, key=lambda pair: pair.name)


def read_photos(pairs: Sequence[Pair], reporter: Reporter | None = None, side: int = SIDE) -> ObjectPhotos:
    """Decode photos and label maps; those without an object are left out.

    So are those that are damaged, or of two sizes, which `reporter` is told.

    Raises:
        DataError: none is left.
    """
    names, pixels, parts, sizes, targets = [], [], [], [], []
    problems: list[str] = []
    reporter = reporter or NullReporter()
    with (
        reporter.stage("read photos", len(pairs)) as stage,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        for pair, decoded in zip(pairs, pool.map(lambda pair: _answer(pair, side), pairs), strict=True):
            stage.advance()
            if isinstance(decoded, DataError):
                problems.append(str(decoded))
            if decoded is None or isinstance(decoded, DataError):
                continue
            photo, found = decoded
            height, width = photo.shape[:2]
            square = np.zeros((side, side, 3), np.uint8)
            square[:height, :width] = photo
            map_ = np.zeros((side, side), np.uint8)
            map_[:height, :width] = found.parts
            names.append(pair.name)
            pixels.append(torch.from_numpy(square).permute(2, 0, 1))
            parts.append(torch.from_numpy(map_))
            sizes.append((height, width))
            targets.append(Targets(map_[:0], found.members, found.boxes, found.chances))
    for problem in problems:
        reporter.message(f"warning: {problem}; it is left out")
    if not names:
        if problems:
            raise DataError(problems[0])
        raise DataError("no mask shows an object that is large enough to learn from")
    return ObjectPhotos(
        tuple(names),
        torch.stack(pixels).contiguous(),
        torch.stack(parts),
        np.array(sizes),
        tuple(targets),
    )


def targets_of(labels: np.ndarray) -> Targets | None:
    """List what can be asked for in a label map, uint8 H×W; None where there is nothing large enough.

    A whole label; where it has several connected areas, each of them (most often an instance); and now and
    then two labels together.
    """
    parts = np.zeros(labels.shape, np.uint8)
    parts[labels == VOID] = VOID
    least = max(16, _LEAST_SHARE * labels.size)
    used, wholes, singles = 0, [], []
    for label in np.unique(labels):
        if label in (0, VOID):
            continue
        areas, count = ndimage.label(labels == label)
        sizes = np.bincount(areas.ravel(), minlength=count + 1)
        # The largest by name; what is left beyond the numbers that a byte has goes with the last one.
        numbers = np.zeros(count + 1, np.uint8)
        order = np.argsort(-sizes[1:], kind="stable") + 1
        numbers[order] = np.minimum(used + 1 + np.arange(count), min(used + 12, VOID - 1))
        parts += numbers[areas]
        own = sorted(set(numbers[1:].tolist()))
        used = own[-1]
        if sizes[1:].sum() >= least:
            wholes.append(own)
            large = [int(numbers[index]) for index in order[:8] if sizes[index] >= least]
            singles += [[number] for number in large] if count > 1 else []
        if used >= VOID - 1:
            break
    if not wholes:
        return None
    pairs = [first + second for first, second in list(combinations(wholes, 2))[:_MOST_PAIRS]]
    chosen = wholes + singles + pairs
    weights = np.array([1.0] * len(wholes) + [_PART_CHANCE] * len(singles) + [_PAIR_CHANCE] * len(pairs))
    members = np.zeros((len(chosen), 256), bool)
    boxes = np.zeros((len(chosen), 4), np.float32)
    spans = ndimage.find_objects(np.where(parts == VOID, 0, parts))
    for row, numbers_ in enumerate(chosen):
        members[row, numbers_] = True
        slices = [spans[number - 1] for number in numbers_ if spans[number - 1] is not None]
        boxes[row] = (
            min(rows.start for rows, _ in slices),
            min(columns.start for _, columns in slices),
            max(rows.stop for rows, _ in slices),
            max(columns.stop for _, columns in slices),
        )
    return Targets(parts, members, boxes, weights / weights.sum())


def _answer(pair: Pair, side: int) -> tuple[np.ndarray, Targets] | DataError | None:
    """What `_decode` returns, or what it raises, so that one pair does not end the reading of others."""
    try:
        return _decode(pair, side)
    except DataError as error:
        return error


def _decode(pair: Pair, side: int) -> tuple[np.ndarray, Targets] | None:
    with opened(Path(pair.name), pair.photo()) as image:
        orientation = orientation_of(image)
        photo = Image.fromarray(to_rgb8(ImageOps.exif_transpose(image)))
    mask = f"the mask of {pair.name}"
    with opened(Path(mask), pair.labels()) as image:
        upright = _READER.labels_of(image, mask)
    size = photo.height, photo.width
    labels = Image.fromarray(fitted(upright, mask, pair.name, size, orientation))
    factor = side / max(photo.size)
    if factor < 1:
        size = max(1, round(photo.width * factor)), max(1, round(photo.height * factor))
        photo = photo.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        labels = labels.resize(size, Image.Resampling.NEAREST)
    found = targets_of(np.asarray(labels, dtype=np.uint8))
    return None if found is None else (np.asarray(photo), found)


def _of_project(source: Path, left_out: Collection[str]) -> list[Pair]:
    """Return the accepted photos of a project; none where `source` is no project or has label maps."""
    if source.is_dir():
        if any(path.parent.name in MASK_FOLDERS for path in _in_folder(source)):
            return []
    elif source.suffix != ".sqlite":
        return []
    if existing_project(source) is None:
        return []
    project = Project.open(source, reading=True)
    try:
        accepted = [
            (record, project.accepted_mask(record.id))
            for record in project.images()
            if record.status is Status.ACCEPTED and Path(record.id).name not in left_out
        ]
        return [
            Pair(f"{project.root.name}/{record.id}", partial(_content, record.path), partial(_as_png, mask))
            for record, mask in accepted
            if mask is not None
        ]
    finally:
        project.close()


def _as_png(labels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, "PNG")
    return stream.getvalue()


def _in_folder(folder: Path) -> dict[PurePosixPath, Reader]:
    if not folder.is_dir():
        raise DataError(f"{folder} is neither a folder nor a zip file; check its name")
    return {
        PurePosixPath(folder.name, path.relative_to(folder).as_posix()): partial(_content, path)
        for path in sorted(folder.rglob("*"))
        if path.parent.name in ("JPEGImages", *MASK_FOLDERS) and path.is_file()
    }


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror}); leave it out") from error


def _in_zip(path: Path) -> dict[PurePosixPath, Reader]:
    archive = ZipFolder(path)
    return {PurePosixPath(name): partial(archive.read, name) for name in archive.names}
