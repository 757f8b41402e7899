"""The tagged photos behind the bundled weights: Caltech-101, its folders for classes, and VOC trees.

``python -m trainer.distill.tag_mix PHOTOS.zip TREE … --out DIR`` leaves a folder with ``tags.csv``.
"""

import argparse
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.source import open_source
from trainer.data.tags import write_tags_csv
from trainer.distill.photo_archive import PhotoArchive, folder_of

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

SAME = {"Leopards": "leopard", "crocodile_head": "crocodile", "water_lilly": "water_lily"}
"""Other names than the folder's, where that is misspelt or a part of what another folder shows."""

NOTHING = "BACKGROUND_Google"
"""Photos that show none of the classes."""

LEFT_OUT = ("images", "cougar_body", "flamingo_head", "Faces_easy", "garfield", "snoopy")
"""Not of Caltech-101, or further folders of a class that has enough, or drawings."""

VOC_EACH, OTHERS_EACH, NOTHING_EACH = 80, 40, 160
"""Photos drawn of each class of VOC's, of each other class, and of none."""

TREE_EACH = 400
"""Photos of a class that are taken from a tree, at most: one that is everywhere would outweigh the others."""


def other_classes(names: Sequence[str]) -> dict[str, str]:
    """Return folder → class of those of the archive's folders that show no class of VOC's."""
    known = {folder for folders in FOLDERS.values() for folder in folders} | {NOTHING, *LEFT_OUT}
    folders = sorted({folder_of(name) for name in names} - known)
    return {folder: SAME.get(folder, folder.lower()) for folder in folders}


def draw(
    names: Sequence[str], seed: int = 0, only_voc: bool = False, each: int = TREE_EACH
) -> dict[str, tuple[str, ...]]:
    """Return tags of the photos drawn: up to 80 of each class of VOC's, evenly from its folders, up to 40 of
    each other folder, and some without any.

    With `only_voc` other classes are left out; of no class there are more than `each`.
    """
    rng = np.random.default_rng(seed)
    wanted = [
        (tag, folder, min(VOC_EACH, each) // len(folders))
        for tag, folders in FOLDERS.items()
        for folder in folders
    ]
    wanted.append(("", NOTHING, min(NOTHING_EACH, each)))
    if not only_voc:
        wanted += [(tag, folder, OTHERS_EACH) for folder, tag in other_classes(names).items()]
    tags: dict[str, tuple[str, ...]] = {}
    for tag, folder, count in wanted:
        found = sorted(name for name in names if folder_of(name) == folder)
        tags |= dict.fromkeys(rng.permutation(found)[:count].tolist(), (tag,) if tag else ())
    return tags


def balanced(tags: Sequence[Sequence[str]], seed: int = 0, each: int = TREE_EACH) -> list[int]:
    """Return indices, ascending, of tagged photos such that no class has more than about `each`.

    Photos are looked at in random order; one is taken if any of its classes has still room.
    """
    counts: Counter[str] = Counter()
    taken = []
    for index in np.random.default_rng(seed).permutation(len(tags)).tolist():
        if not tags[index] or any(counts[tag] < each for tag in tags[index]):
            counts.update(tags[index])
            taken.append(index)
    return sorted(taken)


def mix(
    archive: Path,
    trees: Sequence[Path],
    out: Path,
    seed: int = 0,
    only_voc: bool = False,
    each: int = TREE_EACH,
) -> int:
    """Write the photos, ``tags.csv`` and ``classes.txt`` into `out`, which is made; return their number.

    `only_voc` as in `draw`, `each` as in `balanced`.

    Raises:
        DataError: a source is absent, damaged or without photos.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, tuple[str, ...]] = {}
    photos = PhotoArchive([archive])
    for number, (name, tags) in enumerate(draw(photos.names, seed, only_voc, each).items()):
        file = out / f"{folder_of(name)}-{number:04}.png"
        Image.fromarray(photos.read(name)).save(file)
        rows[file.name] = tags
    for tree in trees:
        # What nobody has tagged is not known.
        items = [item for item in open_source(tree, "all").items if item.tags is not None]
        for index in balanced([item.tags or () for item in items], seed, each):
            item = items[index]
            file = out / f"{tree.name}-{item.image_path.name}"
            shutil.copyfile(item.image_path, file)
            rows[file.name] = item.tags or ()
    write_tags_csv(out / "tags.csv", rows)
    # All of them, whichever are drawn: what is learnt of these photos has a row for each.
    every = dict.fromkeys((*ClassList.voc().names, *sorted(other_classes(photos.names).values())))
    (out / "classes.txt").write_text("".join(f"{name}\n" for name in every), "utf-8", newline="\n")
    return len(rows)


def main() -> None:
    """``python -m trainer.distill.tag_mix ARCHIVE TREE … --out DIR``."""
    parser = argparse.ArgumentParser(description="Tagged photos of VOC's classes from several sources.")
    parser.add_argument("archive", type=Path, help="zip file or folder with Caltech-101's folders")
    parser.add_argument("trees", type=Path, nargs="*", help="VOC trees")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only-voc", action="store_true", help="leave the other classes of the archive out")
    parser.add_argument(
        "--each", type=int, default=TREE_EACH, help="photos of a class from a source, at most"
    )
    chosen = parser.parse_args()
    count = mix(chosen.archive, chosen.trees, chosen.out, only_voc=chosen.only_voc, each=chosen.each)
    print(f"{count} photos in {chosen.out}")


if __name__ == "__main__":
    main()
