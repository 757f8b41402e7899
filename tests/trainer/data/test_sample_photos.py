import pytest

from trainer.data import sample
from trainer.data.images import load_image
from trainer.data.sample import build_sample
from trainer.data.source import open_source
from trainer.errors import DataError


def test_the_sample_opens_with_true_tags(tmp_path):
    source = open_source(build_sample(tmp_path / "sample"))
    assert source.problems == []
    assert {item.id: item.tags for item in source.items} == {
        "astronaut": ("person",),
        "camera": ("person",),
        "chelsea": ("cat",),
        "coffee": ("cup",),
        "motorcycle_left": ("motorbike",),
        "rocket": ("rocket",),
    }
    assert source.classes.names[-3:] == ("tvmonitor", "cup", "rocket")
    assert all(load_image(item.image_path).shape[2] == 3 for item in source.items)


def test_building_again_keeps_what_was_changed(tmp_path):
    build_sample(tmp_path)
    (tmp_path / "tags.csv").write_text("image,tags\nchelsea.png,\n")
    build_sample(tmp_path)
    assert (tmp_path / "tags.csv").read_text() == "image,tags\nchelsea.png,\n"


def test_a_photo_that_is_not_installed_is_left_out_with_a_note(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sample, "PHOTOS", {**sample.PHOTOS, "unicorn.png": ("person",)})
    source = open_source(build_sample(tmp_path))
    assert len(source.items) == 6
    assert "unicorn.png" in caplog.text


@pytest.mark.parametrize(
    ("name", "content"), [("tags.csv", "image,tags\nbeach,person\n"), ("classes.txt", "beach\n")]
)
def test_a_folder_with_lists_of_other_photos_is_refused_and_left_as_it_is(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=f"{name} is not of the sample; choose an empty folder"):
        build_sample(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, content)]


def test_only_photos_that_the_list_of_a_sample_names_are_brought_back(tmp_path):
    build_sample(tmp_path)
    (tmp_path / "tags.csv").write_text("image,tags\nchelsea.png,cat\n")
    for name in ("chelsea.png", "rocket.jpg"):
        (tmp_path / name).unlink()
    build_sample(tmp_path)
    assert (tmp_path / "chelsea.png").is_file()
    assert not (tmp_path / "rocket.jpg").exists()
