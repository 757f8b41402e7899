"""The tagged photos behind the bundled weights: Caltech-101's folders that name a VOC class, and VOC trees.

``python -m trainer.distill.tag_mix PHOTOS.zip TREE … --out DIR`` leaves a folder with ``tags.csv``.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.data.source import open_source
from trainer.data.tags import write_tags_csv
from trainer.distill.photo_archive import PhotoArchive, folder_of
from trainer.distill.probe import PROBE_CLASSES

FOLDERS = {
    "aeroplane": ("airplanes",),
    "bird": ("ibis", "flamingo", "emu", "rooster", "pigeon"),
    "boat": ("ketch", "schooner", "ferry"),
    "car": ("car_side",),
    "cat": ("wild_cat", "cougar_face"),
    "chair": ("chair", "windsor_chair"),
    "dog": ("dalmatian",),
    "motorbike": ("Motorbikes",),
    "person": ("Faces",),
    "pottedplant": ("bonsai",),
}
"""Folders of Caltech-101 that show a class of VOC's; its cats are wild, there are no others."""

NAMELESS = (
    "ant", "brain", "buddha", "butterfly", "cannon", "chandelier", "crocodile", "dolphin", "elephant", "ewer",
    "hedgehog", "joshua_tree", "kangaroo", "lotus", "nautilus", "rhino", "starfish", "sunflower", "umbrella",
    "watch",
)  # fmt: skip
"""Folders that show none."""

_EACH = 80


def draw(names: Sequence[str], seed: int = 0) -> dict[str, tuple[str, ...]]:
    """Tags of the photos drawn: up to 80 of each class, evenly from its folders, and 60 without any.

    None is of a class of the probe, which must stay unseen.
    """
    rng = np.random.default_rng(seed)
    wanted = [(tag, folder, _EACH // len(folders)) for tag, folders in FOLDERS.items() for folder in folders]
    wanted += [("", folder, 60 // len(NAMELESS)) for folder in NAMELESS]
    tags: dict[str, tuple[str, ...]] = {}
    for tag, folder, count in wanted:
        assert folder not in PROBE_CLASSES
        found = sorted(name for name in names if folder_of(name) == folder)
        tags |= dict.fromkeys(rng.permutation(found)[:count].tolist(), (tag,) if tag else ())
    return tags


def mix(archive: Path, trees: Sequence[Path], out: Path, seed: int = 0) -> int:
    """Write the photos and ``tags.csv`` into `out`, which is made; returns the number of photos.

    Raises:
        DataError: a source is absent, damaged or without photos.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, tuple[str, ...]] = {}
    photos = PhotoArchive([archive])
    for number, (name, tags) in enumerate(draw(photos.names, seed).items()):
        file = out / f"{folder_of(name)}-{number:04}.png"
        Image.fromarray(photos.read(name)).save(file)
        rows[file.name] = tags
    for tree in trees:
        for item in open_source(tree, "all").items:
            if item.tags is None:  # what it shows is not known
                continue
            file = out / f"{tree.name}-{item.image_path.name}"
            shutil.copyfile(item.image_path, file)
            rows[file.name] = item.tags
    write_tags_csv(out / "tags.csv", rows)
    return len(rows)


def main() -> None:
    """``python -m trainer.distill.tag_mix ARCHIVE TREE … --out DIR``."""
    parser = argparse.ArgumentParser(description="Tagged photos of VOC's classes from several sources.")
    parser.add_argument("archive", type=Path, help="zip file or folder with Caltech-101's folders")
    parser.add_argument("trees", type=Path, nargs="*", help="VOC trees")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    print(f"{mix(arguments.archive, arguments.trees, arguments.out)} photos in {arguments.out}")


if __name__ == "__main__":
    main()
