"""Files that labelme wrote give the very masks that labelme makes of them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.formats.registry import open_masks

WRITE = """
import sys
import numpy as np
from pathlib import Path
from labelme._label_file import read_label_file, write_label_file
from labelme.utils import img_arr_to_b64
from labelme.utils.shape import shapes_to_label
folder, size = Path(sys.argv[1]), (60, 80)
random = np.random.default_rng(5)
for number in range(40):
    shapes = []
    for label in ("cat", "dog", "__ignore__", "_background_"):
        kind = ("polygon", "rectangle", "circle", "mask")[random.integers(4)]
        points = random.uniform(2, 56, (2, 2))
        mask = None
        if kind == "polygon":
            points = random.uniform(-4, 70, (random.integers(3, 9), 2))
        if kind == "mask":
            points = np.sort(points.astype(int), axis=0)
            (x0, y0), (x1, y1) = points
            mask = img_arr_to_b64(random.random((y1 - y0 + 1, x1 - x0 + 1)) > 0.5)
        shape = {"label": label, "points": points.tolist(), "shape_type": kind, "flags": {}, "mask": mask}
        shapes.append(shape)
    path = folder / f"{number}.json"
    write_label_file(str(path), shapes=shapes, image_path="photo.png", image_height=60, image_width=80)
    values = {"__ignore__": -1, "_background_": 0, "cat": 1, "dog": 2}
    np.save(folder / f"{number}.npy", shapes_to_label(size, read_label_file(str(path)).shapes, values)[0])
"""


def test_what_labelme_wrote_is_read_as_labelme_reads_it(tmp_path):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (80, 60)).save(photo)
    ran = subprocess.run([sys.executable, "-c", WRITE, str(tmp_path)], capture_output=True, text=True)
    if "No module named 'labelme" in ran.stderr:
        pytest.skip("labelme is not installed")
    assert ran.returncode == 0, ran.stderr
    reader, ids = open_masks(tmp_path), {"cat": 1, "dog": 2}
    entries = list(reader.entries())
    assert reader.name == "labelme" and len(entries) == 40
    for entry in entries:
        mask = reader.read(entry, photo, ClassList(()))
        table = np.full(256, 255)
        table[0], table[1 : len(mask.names) + 1] = 0, [ids[name] for name in mask.names]
        expected = np.load(tmp_path / f"{entry.photo}.npy").astype(np.uint8)
        kinds = [
            each["shape_type"]
            for each in json.loads((tmp_path / f"{entry.photo}.json").read_text())["shapes"]
        ]
        np.testing.assert_array_equal(table[mask.labels], expected, str(kinds))
