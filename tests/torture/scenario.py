"""What every kind of work that is killed has in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from tests.torture.killing import Tell

SHAPE = (48, 64)
NAMES = ("a", "b", "c", "d")


@dataclass
class Report:
    """What was told to be saved and is not there, and what else is wrong."""

    lost: int = 0
    problems: list[str] = field(default_factory=list)


class Scenario(Protocol):
    """A kind of work in a folder of its own; `span`, in seconds, is how long it goes on, 0 if that is to be
    measured.
    """

    name: str
    kills: int
    span: float

    def __init__(self, folder: Path) -> None: ...

    def begin(self) -> None:
        """Get ready for the work."""

    def work(self, tell: Tell) -> None:
        """Work; tell something once it has begun, and then each thing that is saved."""

    def check(self, told: list[str]) -> Report:
        """Look at what is left of the work."""


def write_photos(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    """Write small photos with their tags."""
    folder.mkdir(parents=True)
    rows = ["image,tags"]
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 110, (*SHAPE, 3), np.uint8)
        pixels[10:30, 10 + seed % 9 : 40] += np.uint8([120, 20 * (seed % 3), 10])
        Image.fromarray(pixels).save(folder / f"{name}.png")
        rows.append(f"{name},{'cat' if seed % 2 else 'dog'}")
    (folder / "tags.csv").write_text("\n".join(rows) + "\n")
    return folder


def mask(label: int) -> np.ndarray:
    """Return a mask with an object of one class."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:30, 10:40] = label
    return labels


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, without those that are hidden."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }
