import pytest

from trainer.data.formats.voc import read_annotation_xml, read_tags, split_ids
from trainer.errors import DataError


def main_list(root, name, text):
    (root / "ImageSets/Main").mkdir(parents=True, exist_ok=True)
    (root / "ImageSets/Main" / f"{name}.txt").write_text(text)


def test_difficult_objects_count_as_present(tmp_path):
    main_list(tmp_path, "cat_train", "2007_1  1\n2007_2 -1\n2007_3  0\n")
    assert read_tags(tmp_path, "train", []) == {"2007_1": ("cat",), "2007_2": (), "2007_3": ("cat",)}


def test_the_class_train_is_not_the_split_train(tmp_path):
    main_list(tmp_path, "train_train", "a 1\n")
    main_list(tmp_path, "train_val", "b 1\n")
    assert read_tags(tmp_path, "train", []) == {"a": ("train",)}
    assert read_tags(tmp_path, "val", []) == {"b": ("train",)}
    assert split_ids(tmp_path, "val", []) == ["b"]


def test_class_and_image_names_may_hold_spaces_and_underscores(tmp_path):
    main_list(tmp_path, "dining_table_train", "my photo 1\n")
    assert read_tags(tmp_path, "train", []) == {"my photo": ("dining_table",)}


@pytest.mark.parametrize("line", ["a", "a yes", "1", "../a 1", "a 2"])
def test_a_bad_line_costs_that_line_and_is_named(tmp_path, line):
    main_list(tmp_path, "cat_train", f"b 1\n\n{line}\nc -1\n")
    problems: list[str] = []
    assert read_tags(tmp_path, "train", problems) == {"b": ("cat",), "c": ()}
    assert len(problems) == 1 and "cat_train.txt, line 3" in problems[0]


def test_signs_tabs_paths_and_suffixes_are_read(tmp_path):
    main_list(tmp_path, "cat_train", "a\t+1\nb.jpg \t -1\n./sub/c.JPG 1\nd  \N{MINUS SIGN}1\r\n")
    problems: list[str] = []
    assert read_tags(tmp_path, "train", problems) == {"a": ("cat",), "b": (), "sub/c": ("cat",), "d": ()}
    assert not problems


def test_a_split_with_an_underscore_is_a_split(tmp_path):
    main_list(tmp_path, "cat_train_aug", "a 1\n")
    main_list(tmp_path, "cat_train", "b 1\n")
    (tmp_path / "ImageSets/Segmentation").mkdir()
    (tmp_path / "ImageSets/Segmentation/train_aug.txt").write_text(
        "/JPEGImages/a.jpg /SegmentationClassAug/a.png\n/JPEGImages/d.jpg /SegmentationClassAug/d.png\n../x\n"
    )
    problems: list[str] = []
    assert split_ids(tmp_path, "train_aug", problems) == ["a", "d"]
    assert len(problems) == 1 and "train_aug.txt, line 3" in problems[0]
    assert read_tags(tmp_path, "train_aug", []) == {"a": ("cat",)}
    assert read_tags(tmp_path, "all", []) == {"a": ("cat",), "b": ("cat",)}
    with pytest.raises(DataError, match=r"no split 'test'; choose one of train_aug"):
        split_ids(tmp_path, "test", [])


def test_a_list_without_flags_is_named_and_the_others_are_read(tmp_path):
    main_list(tmp_path, "cat_train", "a 1\n")
    main_list(tmp_path, "small_train", "a\nb\n")
    problems: list[str] = []
    assert read_tags(tmp_path, "train", problems) == {"a": ("cat",)}
    (problem,) = problems
    assert "small_train.txt" in problem
    assert split_ids(tmp_path, "train", []) == ["a"]


def test_the_segmentation_list_comes_before_the_others(tmp_path):
    main_list(tmp_path, "train", "a\nb\n")
    assert split_ids(tmp_path, "train", []) == ["a", "b"]
    (tmp_path / "ImageSets/Segmentation").mkdir()
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("b\n\nb\n")
    assert split_ids(tmp_path, "train", []) == ["b"]
    assert split_ids(tmp_path, "all", []) is None


def test_annotations_name_each_class_once_and_no_parts(tmp_path):
    xml = "<object><name>person</name><part><name>head</name></part></object>"
    (tmp_path / "a.xml").write_text(f"<annotation>{xml}<object><name>dog</name></object>{xml}</annotation>")
    assert read_annotation_xml(tmp_path / "a.xml") == ("person", "dog")


def test_entities_are_refused(tmp_path):
    (tmp_path / "a.xml").write_text(
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>'
    )
    with pytest.raises(DataError, match=r"a\.xml.*entities"):
        read_annotation_xml(tmp_path / "a.xml")


@pytest.mark.parametrize("content", [b"", b"<annotation>", b"\xff\xfe\x00\x00", b"{}"])
def test_damaged_xml_is_named(tmp_path, content):
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.xml"):
        read_annotation_xml(tmp_path / "a.xml")
