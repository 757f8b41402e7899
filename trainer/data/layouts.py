"""What lies in a folder of images and is not read as one of its images: named, so that nobody misses it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from trainer.translatable import translatable

UNREAD_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("heic", "heif", "avif", "gif", "jp2", "j2k", "jxl", "psd", "svg", "exr", "hdr", "dcm", "nii"),
        *("dng", "cr2", "cr3", "nef", "arw", "orf", "rw2", "raf"),
    )
)
"""Lower-case suffixes of pictures that this program does not read."""
_MOST = 20_000
"""Files that are looked at, so that a folder of a million takes no longer."""


def unread(root: Path, untagged: Iterable[Path]) -> list[str]:
    """Return sentences on pictures of other kinds, and on the annotations of other tools, below `root`.

    `untagged` are the images without tags: whoever has annotated them elsewhere will want to import that.
    """
    problems: list[str] = []
    kinds: Counter[str] = Counter()
    example: dict[str, str] = {}
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            suffix = Path(name).suffix.lower()
            if suffix in UNREAD_SUFFIXES:
                kinds[suffix] += 1
                example.setdefault(suffix, str(Path(folder, name)))
        seen += len(names)
        if seen > _MOST:
            break
    problems += [
        translatable(
            "{path} and others of its kind ({count} in all) are not read; convert them to PNG or JPEG",
            path=example[suffix],
            count=count,
        )
        for suffix, count in kinds.items()
    ]
    if (tool := _annotated_by(root, untagged)) is not None:
        problems.append(
            translatable(
                "{path} holds annotations of {tool}, which are not read as tags; import them as masks",
                path=root,
                tool=tool,
            )
        )
    return problems


def _annotated_by(root: Path, untagged: Iterable[Path]) -> str | None:
    """The tool whose annotations lie with images that have no tags."""
    first = next(iter(untagged), None)
    if first is None:
        return None
    if first.with_suffix(".json").is_file():
        return "labelme"
    if any(root.glob("*coco*.json")) or any((root / "annotations").glob("*.json")):
        return "COCO"
    if first.with_suffix(".txt").is_file() or (root / "labels").is_dir():
        return "YOLO"
    return None
