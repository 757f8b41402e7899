"""Photos with masks of objects: where they are found, what is asked for, what is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.project import Project
from trainer.errors import DataError
from trainer.learn.object_photos import find_pairs, read_photos, targets_of
from trainer.progress import NullReporter


def add(folder: Path, name: str, labels: np.ndarray, masks: str = "objects") -> None:
    (folder / "JPEGImages").mkdir(parents=True, exist_ok=True)
    (folder / masks).mkdir(parents=True, exist_ok=True)
    photo = np.random.default_rng(0).integers(0, 255, (*labels.shape, 3), np.uint8)
    Image.fromarray(photo).save(folder / "JPEGImages" / f"{name}.jpg")
    Image.fromarray(labels).save(folder / masks / f"{name}.png")


class Messages(NullReporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def square(label: int = 1, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    labels = np.zeros(size, np.uint8)
    labels[10:30, 10:30] = label
    return labels


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Photos of two sets, one below the other's root; one shows nothing."""
    root = tmp_path / "collection"
    add(root / "coco", "b", square())
    add(root / "coco", "nothing", np.zeros((40, 60), np.uint8))
    add(root / "ecssd", "a", square())
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(root / "ecssd/JPEGImages/unmasked.jpg")
    return root


def zipped(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    return path


def test_a_folder_and_its_zip_give_the_same_photos_those_left_out_aside(collection: Path) -> None:
    folder, archive = (read_photos(find_pairs([source])) for source in (collection, zipped(collection)))
    assert [name.split("/")[-1] for name in folder.names] == ["b", "a"]
    assert (folder.pixels == archive.pixels).all() and (folder.parts == archive.parts).all()
    left = read_photos(find_pairs([zipped(collection)], exclude=["a"]))
    assert [name.split("/")[-1] for name in left.names] == ["b"]


def test_a_project_gives_its_accepted_masks(tmp_path: Path, rng: np.random.Generator) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a", "b", "open"):
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(folder / f"{name}.jpg")
    project = Project.open_folder(folder, ClassList(("cat",)))
    for name in ("a", "b"):
        project.accept(name, square())
    file = project.file
    project.close()
    for source in (folder, file):
        photos = read_photos(find_pairs([source], exclude=["b"]))
        assert [name.split("/")[-1] for name in photos.names] == ["a"]
        (targets,) = photos.targets
        assert targets.boxes.tolist() == [[10, 10, 30, 30]]


def test_a_voc_tree_is_read_with_void_and_several_sources_join(voc_tree: Path, collection: Path) -> None:
    photos = read_photos(find_pairs([voc_tree, collection]))
    assert {name.split("/")[-1] for name in photos.names} == {"one", "two", "four", "a", "b"}
    assert (photos.parts == 255).any()


def test_large_photos_are_reduced_and_keep_their_shape(tmp_path: Path) -> None:
    labels = np.zeros((700, 1000), np.uint8)
    labels[100:400, 200:600] = 1
    add(tmp_path, "large", labels)
    photos = read_photos(find_pairs([tmp_path]), side=100)
    assert photos.pixels.shape == (1, 3, 100, 100) and photos.sizes.tolist() == [[70, 100]]
    np.testing.assert_allclose(photos.targets[0].boxes, [[10, 20, 40, 60]], atol=1)


def test_labels_their_areas_and_pairs_can_be_asked_for() -> None:
    labels = np.zeros((60, 90), np.uint8)
    labels[5:25, 5:25] = labels[5:25, 60:80] = 8
    labels[40:55, 30:60] = 3
    labels[30, :] = 255
    labels[58, 88] = 4  # a speck
    found = targets_of(labels)
    assert found is not None and (found.parts[30] == 255).all()
    masks = [set(np.unique(labels[found.members[row][found.parts]])) for row in range(len(found.chances))]
    areas = [int(found.members[row][found.parts].sum()) for row in range(len(found.chances))]
    assert sorted(zip(areas, map(sorted, masks), strict=True)) == [
        (400, [8]),
        (400, [8]),
        (450, [3]),
        (800, [8]),
        (1250, [3, 8]),
    ]
    assert found.chances.sum() == pytest.approx(1)
    assert targets_of(np.where(labels == 255, labels, 0)) is None


def test_what_cannot_be_learnt_from_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.zip").write_bytes(b"no zip")
    for source, text in (
        (tmp_path / "empty", "empty has no photos with masks"),
        (tmp_path / "absent", "absent is neither a folder nor a zip"),
        (tmp_path / "no.zip", r"no\.zip is not a zip file"),
    ):
        with pytest.raises(DataError, match=text):
            find_pairs([source])


def test_damaged_masks_pictures_and_other_sizes_are_named_and_left_out(tmp_path: Path) -> None:
    for name, labels, text in (
        ("damaged", None, "cannot be read"),
        ("small", square(size=(30, 60)), "is 60×30 but its photo .* is 60×40"),
        ("colours", np.full((40, 60, 3), (9, 99, 200), np.uint8), "has the colour 9,99,200"),
    ):
        add(tmp_path / name, name, square())
        path = tmp_path / name / "objects" / f"{name}.png"
        if labels is None:
            path.write_bytes(path.read_bytes()[:60])
        else:
            Image.fromarray(labels).save(path)
        with pytest.raises(DataError, match=f"{name}.*{text}"):
            read_photos(find_pairs([tmp_path / name]))
        add(tmp_path / name, "good", square())
        told = Messages()
        left = read_photos(find_pairs([tmp_path / name]), told)
        assert left.names == (f"{name}/JPEGImages/good",)
        assert len(told.lines) == 1 and name in told.lines[0]
    add(tmp_path / "bare", "bare", np.zeros((40, 60), np.uint8))
    with pytest.raises(DataError, match="no mask shows an object"):
        read_photos(find_pairs([tmp_path / "bare"]))
