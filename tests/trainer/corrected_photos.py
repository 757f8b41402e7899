"""What a labeler paints on the photos of the trainer's tests."""

from __future__ import annotations

import numpy as np
from PIL import Image

from trainer.data.project import Project, Target

CAT, PERSON = 8, 15
SIZES = {"chelsea": (144, 192), "astronaut": (192, 192), "rocket": (128, 192)}
"""Height and width to which each photo is reduced."""
STROKES = {
    "chelsea": [(CAT, (40, 60, 110, 130)), (0, (0, 0, 30, 40))],
    "astronaut": [
        (PERSON, (20, 70, 70, 100)),
        (PERSON, (110, 60, 185, 120)),
        (0, (10, 5, 60, 50)),
        (0, (5, 130, 120, 150)),
    ],
}
"""Class id and box (y0, x0, y1, x1) of each stroke."""
MIRRORED = {"chelsea": "cat-mirrored", "astronaut": "astronaut-mirrored"}
"""What the mirror images of photos are called in projects that have them (`add_mirrored`)."""
FOUR = (*MIRRORED, *MIRRORED.values())
"""As many photos as the trainer needs."""


def add_mirrored(project: Project) -> None:
    """Add the mirror images of the photos that strokes are known of, with their tags."""
    for name, mirrored in MIRRORED.items():
        record = project.record(name)
        with Image.open(record.path) as photo:
            photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(record.path.with_stem(mirrored))
        project.rescan()
        project.set_tags(mirrored, record.tags)


def correct(project: Project, *images: str) -> None:
    """Paint the strokes of some photos, as the desk records them."""
    for image in images:
        for label, box in _strokes(image):
            shape = box[2] - box[0], box[3] - box[1]
            before, after = np.full(shape, 255, np.uint8), np.full(shape, label, np.uint8)
            project.record_edit(image, Target.SEEDS, box, before, after, "brush")


def _strokes(image: str) -> list[tuple[int, tuple[int, int, int, int]]]:
    for name, mirrored in MIRRORED.items():
        if image == mirrored:
            width = SIZES[name][1]
            return [(label, (y0, width - x1, y1, width - x0)) for label, (y0, x0, y1, x1) in STROKES[name]]
    return STROKES[image]
