import numpy as np
import pytest

from trainer.data.classes import ClassList, labels_in
from trainer.errors import DataError


def test_voc_has_its_twenty_classes_in_their_order():
    voc = ClassList.voc()
    assert len(voc) == 20
    assert (voc.id_of("aeroplane"), voc.id_of("person"), voc.id_of("tvmonitor")) == (1, 15, 20)
    assert [voc.name_of(i) for i in (0, 8)] == ["background", "cat"]
    assert "cat" in voc
    assert "cup" not in voc


def test_a_list_survives_its_file(tmp_path):
    classes = ClassList(("Hund", "猫", "traffic light"))
    classes.save(tmp_path / "classes.txt")
    assert ClassList.from_file(tmp_path / "classes.txt") == classes
    assert ClassList.of_folder(tmp_path) == classes


def test_a_labelmap_is_read_without_its_background(tmp_path):
    (tmp_path / "labelmap.txt").write_text(
        "# label:color\nbackground:0,0,0::\ncat:1,2,3::\ndog:4,5,6:a,b:c\n"
    )
    assert ClassList.of_folder(tmp_path) == ClassList(("cat", "dog"))


def test_a_folder_without_a_list_has_none(tmp_path):
    assert ClassList.of_folder(tmp_path) is None


def test_adding_keeps_ids():
    classes = ClassList(("cat", "dog")).with_added("cup")
    assert [classes.id_of(name) for name in ("cat", "dog", "cup")] == [1, 2, 3]


def test_an_unknown_class_is_an_error():
    with pytest.raises(DataError, match="zebra"):
        ClassList.voc().id_of("zebra")
    with pytest.raises(DataError, match="21"):
        ClassList.voc().name_of(21)


@pytest.mark.parametrize("name", ["", " cat", "background", "a/b", "a\\b", "..", "a\nb", "a;b", "a,b"])
def test_names_that_files_cannot_hold_are_refused(name):
    with pytest.raises(DataError):
        ClassList((name,))


def test_repeated_and_too_many_names_are_refused():
    with pytest.raises(DataError, match="cat"):
        ClassList(("cat", "dog", "cat"))
    ClassList(tuple(f"c{i}" for i in range(253)))
    with pytest.raises(DataError, match="253"):
        ClassList(tuple(f"c{i}" for i in range(254)))


def test_a_bad_list_file_is_named(tmp_path):
    (tmp_path / "classes.txt").write_bytes(b"cat\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"classes\.txt"):
        ClassList.from_file(tmp_path / "classes.txt")
    (tmp_path / "twice.txt").write_text("cat\ncat\n")
    with pytest.raises(DataError, match=r"twice\.txt.*cat"):
        ClassList.from_file(tmp_path / "twice.txt")


def test_labels_in_lists_what_occurs(rng):
    labels = rng.choice([0, 3, 255], (9, 7)).astype("uint8")
    assert labels_in(labels) == [0, 3, 255]


@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (3, 5), (40, 60)])
@pytest.mark.parametrize("many", [1, 3, 256])
def test_every_label_of_a_map_is_found(shape: tuple[int, int], many: int, rng: np.random.Generator) -> None:
    labels = rng.integers(0, many, shape).astype(np.uint8)
    for seen in (labels, labels[::-1].T, np.kron(labels, np.ones((4, 7), np.uint8))):
        assert labels_in(seen) == np.unique(seen).tolist()
