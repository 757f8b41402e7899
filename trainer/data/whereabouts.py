"""Finding the photos of a project again that were renamed, moved or exchanged in its folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainer.data.fingerprints import Fingerprint, fingerprint, stamp
from trainer.errors import DataError

READ_AT_ONCE = 256 << 20
"""Bytes of photos that a look into the folder reads where only the time of a file speaks against it."""


@dataclass
class Whereabouts:
    """Where photos lie now (`moved`), by image; `displaced` are images under whose name another photo lies
    and whose own is nowhere; `read` are the fingerprints of photos that moved, or were only touched.
    """

    moved: dict[str, Path] = field(default_factory=dict)
    displaced: list[str] = field(default_factory=list)
    read: dict[str, Fingerprint] = field(default_factory=dict)


def locate(
    images: Mapping[str, Path],
    known: Mapping[str, Fingerprint],
    present: Collection[Path],
    most: int | None = READ_AT_ONCE,
) -> Whereabouts:
    """Tell which photo of those that are `present` belongs to which of the `images`, by their content.

    `known` are the fingerprints of images. Without one, a photo is the image's that lies under its name, and
    is found again where only the case of letters is another. A file of the known size and another time is
    read to be sure, as long as those are not more than `most` bytes (None: however many).
    """
    result, files = Whereabouts(), _Files()
    sure: dict[str, Path] = {}
    lost: list[str] = []
    left = most

    def check(image_id: str, path: Path) -> None:
        """Read a file of the known size, unless too much was read already."""
        nonlocal left
        own = known[image_id]
        if left is not None and left < own.size:
            sure[image_id] = path  # most likely
            return
        left = None if left is None else left - own.size
        now = files.read(path)
        if now is None or now.digest != own.digest:
            sure.pop(image_id, None)
            lost.append(image_id)
        else:
            sure[image_id] = path
            if now != own:
                result.read[image_id] = now

    for image_id, path in images.items():
        if path not in present:
            lost.append(image_id)
            continue
        own, found = known.get(image_id), stamp(path)
        if own is None:
            continue
        if found is None or own.is_of(found):
            sure[image_id] = path
        elif found[0] != own.size:
            lost.append(image_id)
        else:
            check(image_id, path)
    # Two of one size and time that changed names: the photo of the one may pass for that of the other.
    sizes = {known[image_id].size for image_id in lost if image_id in known}
    for image_id, path in list(sure.items()):
        if known[image_id].size in sizes and path not in files.of:
            check(image_id, path)
    if lost:
        holders = {path: image_id for image_id, path in images.items() if path in present}
        result.moved = _found_again(lost, images, known, set(present) - set(sure.values()), holders, files)
        result.read |= {i: files.of[path] for i, path in result.moved.items() if i in known}
        overtaken = [holders[path] for path in result.moved.values() if path in holders]
        replaced = [image_id for image_id in lost if images[image_id] in present]
        result.displaced = [i for i in dict.fromkeys(replaced + overtaken) if i not in result.moved]
    return result


def _found_again(
    lost: Iterable[str],
    images: Mapping[str, Path],
    known: Mapping[str, Fingerprint],
    free: Collection[Path],
    holders: Mapping[Path, str],
    files: _Files,
) -> dict[str, Path]:
    """Give lost images files that are `free`: of equal photos, that of the same name."""
    sizes = {known[image_id].size for image_id in lost if image_id in known}
    by_digest: dict[str, list[Path]] = {}
    for path in sorted(free):
        if sizes and (found := stamp(path)) is not None and found[0] in sizes:
            now = files.read(path)
            if now is not None:
                by_digest.setdefault(now.digest, []).append(path)
    by_name: dict[str, list[Path]] = {}
    for path in free:
        if path not in holders:
            by_name.setdefault(str(path).casefold(), []).append(path)
    moved: dict[str, Path] = {}
    taken: set[Path] = set()
    for same_name in (True, False):
        for image_id in lost:
            if image_id in moved:
                continue
            before = images[image_id]
            if image_id in known:
                candidates = by_digest.get(known[image_id].digest, [])
            else:
                alike = by_name.get(str(before).casefold(), [])
                candidates = alike if len(alike) == 1 else []
            for path in candidates:
                if path not in taken and (not same_name or path.stem.casefold() == before.stem.casefold()):
                    moved[image_id] = path
                    taken.add(path)
                    break
    return moved


class _Files:
    """The files that were read, each once."""

    def __init__(self) -> None:
        self.of: dict[Path, Fingerprint] = {}

    def read(self, path: Path) -> Fingerprint | None:
        """Return a file's fingerprint; None where it cannot be read."""
        if path not in self.of:
            try:
                self.of[path] = fingerprint(path)
            except DataError:
                return None
        return self.of[path]
