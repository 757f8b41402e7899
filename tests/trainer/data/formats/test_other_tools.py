"""Objects as other tools read and write them: datumaro and supervision, where they are installed.

They are large, and not among the extras: READERS_PYTHON names the Python of an environment that has them.
"""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.export import write_data_set
from trainer.data.formats.base import ExportEntry
from trainer.data.formats.registry import WRITERS, open_masks
from trainer.data.import_masks import import_masks
from trainer.data.objects import objects_of
from trainer.data.project import Project, Target

PYTHON = os.environ.get("READERS_PYTHON", sys.executable)
SHAPE = (40, 60)
CLASSES = ClassList(("cat", "dog"))

READ_VOC = """
import json, sys
import numpy as np
from datumaro import Dataset
from datumaro.components.annotation import AnnotationType
data = Dataset.import_from(sys.argv[1], "voc_segmentation")
names = data.categories()[AnnotationType.label]
(item,) = {item.id: item for item in data}.values()
print(json.dumps([[names[a.label].name, np.argwhere(a.image).tolist()] for a in item.annotations]))
"""
READ_DETECTIONS = """
import json, sys
from pathlib import Path
import numpy as np
import supervision
root = Path(sys.argv[1])
if sys.argv[2] == "coco":
    file = next(root.rglob("instances_*.json"))
    data = supervision.DetectionDataset.from_coco(str(root / "images"), str(file), force_masks=True)
else:
    data = supervision.DetectionDataset.from_yolo(
        str(root / "images/train"), str(root / "labels/train"), str(root / "data.yaml"), force_masks=True
    )
((_, _, found),) = list(data)
classes = [data.classes[id] for id in found.class_id]
masks = [np.argwhere(mask).tolist() for mask in np.asarray(found.mask)]
print(json.dumps(list(zip(classes, masks, strict=True))))
"""
WRITE_VOC = """
import sys
import numpy as np
from datumaro import Dataset
from datumaro.components.annotation import Mask
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
numbers = np.load(sys.argv[2])
masks = [Mask(numbers == n, label=int(n == 3), id=n, group=n) for n in (1, 2, 3)]
photo = Image.from_numpy(np.full((*numbers.shape, 3), 90, np.uint8))
data = Dataset.from_iterable([DatasetItem("one", media=photo, annotations=masks)], categories=["cat", "dog"])
data.export(sys.argv[1], "voc_segmentation", save_media=True)
"""


def run(script: str, *arguments: str) -> str:
    """Run a script with the other tools; skip where they are missing."""
    command = [PYTHON, "-c", script, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named" in ran.stderr:
        pytest.skip(ran.stderr.strip().splitlines()[-1])
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def touching() -> np.ndarray:
    """Two cats that touch and a dog: the numbers of the objects."""
    numbers = np.zeros(SHAPE, np.uint16)
    numbers[5:25, 5:22], numbers[5:25, 22:40], numbers[28:36, 10:20] = 1, 2, 3
    return numbers


@pytest.fixture
def entry(tmp_path: Path) -> ExportEntry:
    """A photo of the two cats and the dog, with undecided pixels and a cat of two parts."""
    photo = tmp_path / "photos" / "one.jpg"
    photo.parent.mkdir()
    Image.new("RGB", SHAPE[::-1], (90, 90, 90)).save(photo)
    numbers = touching()
    numbers[28:36, 30:40] = 1
    mask = np.select([numbers == 3, numbers > 0], [2, 1]).astype(np.uint8)
    mask[12:16, 45:50] = 255
    marks = np.where(mask == 1, numbers, 255).astype(np.uint8)
    return ExportEntry("one", photo, mask, (), "train", objects_of(mask, marks))


def told(output: str) -> set[tuple[str, bytes]]:
    """Classes and pixels of the objects that a script has printed."""
    result = set()
    for name, pixels in json.loads(output.splitlines()[-1]):
        inside = np.zeros(SHAPE, bool)
        inside[tuple(np.array(pixels).T)] = True
        result.add((name, inside.tobytes()))
    return result


def expected(entry: ExportEntry) -> set[tuple[str, bytes]]:
    assert entry.objects is not None
    return {
        (CLASSES.name_of(label), (entry.objects.numbers == number).tobytes())
        for number, label in enumerate(entry.objects.labels, start=1)
    }


def grown(inside: bytes) -> bytes:
    """Pixels, and those that touch them to the right and below."""
    before = np.frombuffer(inside, bool).reshape(SHAPE)
    after = before.copy()
    after[1:] |= before[:-1]
    after[:, 1:] |= after[:, :-1].copy()
    return after.tobytes()


def test_datumaro_reads_the_objects_and_the_undecided_pixels_of_voc(
    entry: ExportEntry, tmp_path: Path
) -> None:
    write_data_set(WRITERS["voc"], tmp_path / "voc", [entry], CLASSES)
    void = ("ignored", (entry.mask == 255).tobytes())
    assert told(run(READ_VOC, str(tmp_path / "voc"))) == expected(entry) | {void}


@pytest.mark.parametrize("format", ["coco", "yolo"])
def test_supervision_reads_the_objects(entry: ExportEntry, tmp_path: Path, format: str) -> None:
    write_data_set(WRITERS[format], tmp_path / format, [entry], CLASSES)
    found = told(run(READ_DETECTIONS, str(tmp_path / format), format))
    if format == "coco":  # of polygons it fills the pixels to the right and below as well, of RLE it does not
        wide = {(name, grown(inside)) for name, inside in expected(entry)}
        assert len(found) == 3 and found <= expected(entry) | wide
    else:  # where the parts of an object are objects
        pixels = [np.frombuffer(inside, bool) for _, inside in found]
        assert len(found) == 4 and (sum(pixels) == np.isin(entry.mask, (1, 2)).ravel()).all()


def test_objects_that_datumaro_wrote_are_imported(tmp_path: Path) -> None:
    np.save(tmp_path / "numbers.npy", touching())
    run(WRITE_VOC, str(tmp_path / "voc"), str(tmp_path / "numbers.npy"))
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", SHAPE[::-1]).save(folder / "one.jpg")
    with closing(Project.open_folder(folder, CLASSES)) as project:
        result = import_masks(project, open_masks(tmp_path / "voc"))
        assert result.images == ["one"] and not result.problems
        marks = project.layer("one", Target.OBJECTS, SHAPE)
        mask = project.accepted_mask("one")
    assert mask is not None
    objects = objects_of(mask, marks)
    assert [CLASSES.name_of(label) for label in objects.labels] == ["cat", "cat", "dog"]
    np.testing.assert_array_equal(objects.numbers, touching())
