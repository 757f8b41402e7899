import os
import shutil
import threading

import numpy as np
import pytest
from PIL import Image

from trainer.data.classes import ClassList
from trainer.data.images import image_size
from trainer.data.project import Changes, Project, Status, Target
from trainer.data.source import open_source
from trainer.errors import DataError

BOX = (2, 3, 7, 9)
BLANK = np.full((5, 6), 255, np.uint8)
MASK = np.full((40, 60), 8, np.uint8)


@pytest.fixture
def project(voc_tree):
    opened = Project.open_folder(voc_tree)
    yield opened
    opened.close()


def reopened(project):
    project.close()
    return Project.open(project.file)


def paint(project, image_id, label=1, target=Target.SEEDS):
    return project.record_edit(image_id, target, BOX, BLANK, np.full_like(BLANK, label), "brush")


def test_a_folder_becomes_a_project_beside_its_images(project, voc_tree):
    assert project.file == voc_tree / "affinity-project" / "project.sqlite"
    assert project.classes == ClassList.voc()
    records = project.images()
    assert [record.id for record in records] == ["four", "one", "three", "two"]
    one = records[1]
    assert one.path == voc_tree / "JPEGImages/one.jpg"
    assert (one.tags, one.tagged, one.status, one.split, one.margin) == (
        ("cat",),
        True,
        Status.NEW,
        None,
        None,
    )
    assert project.record("one") == one


def test_what_was_set_is_there_after_a_restart(project):
    project.set_tags("one", ["dog", "cat", "dog"])
    project.set_tags("three", None)
    project.note_proposal("one", 0.25, "the first model")
    project.set_setting("brush", {"radius": 12.5})
    class_id = project.add_class("cup")
    assert not project.record("three").tagged  # until a look at the folder's lists
    project = reopened(project)
    assert project.record("one").tags == ("dog", "cat")
    assert project.record("one").margin == 0.25
    assert project.setting("brush") == {"radius": 12.5}
    assert project.setting("unknown", 7) == 7
    assert (class_id, project.classes.id_of("cup")) == (21, 21)
    project.close()


def test_a_proposal_has_an_origin_until_its_mask_is_thrown_away(project):
    project.store_proposal_mask("one", MASK)
    assert project.proposal_origin("one") == ""
    project.note_proposal("one", 0.25, "the first model")
    project.store_proposal_mask("one", MASK)  # refined by strokes
    project = reopened(project)
    assert project.proposal_origin("one") == "the first model"
    shutil.rmtree(project.caches)
    assert project.proposal_origin("one") == ""
    project.close()


def test_the_folder_may_be_moved(project, voc_tree, tmp_path):
    paint(project, "one")
    project.close()
    moved = shutil.move(voc_tree, tmp_path / "elsewhere")
    project = Project.open_folder(tmp_path / "elsewhere")
    assert project.record("one").path.is_relative_to(moved)
    assert project.can_undo("one")
    project.close()


def test_a_folder_that_cannot_be_written_has_its_project_in_the_user_s_data(voc_tree, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("trainer.data.location.user_data_path", lambda *_, **__: tmp_path / "data")
    (voc_tree / "affinity-project").touch()  # a file where the folder should go, which stops even root
    project = Project.open_folder(voc_tree)
    paint(project, "one")
    assert project.file.is_relative_to(tmp_path / "data")
    project.close()
    again = Project.open_folder(voc_tree)
    assert again.can_undo("one")
    assert again.record("one").path == voc_tree / "JPEGImages/one.jpg"
    again.close()
    shutil.rmtree(voc_tree)
    with pytest.raises(DataError, match="tree"):
        Project.open(again.file)


def test_new_images_are_found_and_known_ones_keep_their_ids(tmp_path):
    for name in ("cat.png", "dog.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    project = Project.open_folder(tmp_path)
    before = project.images()
    Image.new("RGB", (4, 4)).save(tmp_path / "cat.bmp")
    assert project.rescan() == Changes(new=1)
    assert project.images()[1:] == before
    assert (project.images()[0].id, project.images()[0].path.name) == ("cat_bmp", "cat.bmp")
    assert project.rescan() == Changes()
    (tmp_path / "dog.png").unlink()
    assert project.rescan() == Changes(gone=1)
    assert len(project.images()) == 3
    project.close()


def test_a_list_that_comes_later_tags_what_nobody_has_tagged_yet(tmp_path):
    for name in ("cat.png", "dog.png", "both.png"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    project = Project.open_folder(tmp_path)
    project.set_tags("dog", ("horse",))
    (tmp_path / "tags.csv").write_text("image,tags\ncat,cat unicorn\ndog,dog\n")
    assert project.rescan() == Changes(tagged=("cat",))
    assert [project.record(i).tags for i in ("cat", "dog", "both")] == [("cat",), ("horse",), ()]
    assert not project.record("both").tagged and "unicorn" in project.problems[0]
    assert project.rescan() == Changes() and not project.problems
    (tmp_path / "tags.csv").open("a").write("both,cat dog\n")
    project = reopened(project)
    assert project.record("both").tags == ("cat", "dog")
    project.close()


def test_opening_looks_for_new_images_with_their_tags_and_reads_no_other(voc_tree, tmp_path, monkeypatch):
    project = Project.open_folder(voc_tree)
    before = project.images()
    Image.new("RGB", (4, 4)).save(voc_tree / "JPEGImages/new.png")
    (voc_tree / "JPEGImages/bad.jpg").touch()
    (voc_tree / "ImageSets/Main/cat_train.txt").open("a").write("new 1\n")
    looked_at = []
    monkeypatch.setattr(
        "trainer.data.source.image_size", lambda path: looked_at.append(path.name) or image_size(path)
    )
    project = reopened(project)
    assert [record.id for record in project.images()] == ["four", "new", "one", "three", "two"]
    assert [record for record in project.images() if record.id != "new"] == before
    assert project.record("new").tags == ("cat",)
    assert (project.changes, sorted(looked_at)) == (Changes(new=1), ["bad.jpg", "new.png"])
    assert "bad.jpg" in project.problems[0]
    (voc_tree / "ImageSets/Main/cat_train.txt").write_text("damaged\n")
    project = reopened(project)
    assert len(project.images()) == 5
    assert ["cat_train.txt" in problem for problem in project.problems] == [False, True]
    project.close()


def test_reading_does_not_look_for_new_images(voc_tree):
    Project.open_folder(voc_tree).close()
    Image.new("RGB", (4, 4)).save(voc_tree / "JPEGImages/new.png")
    project = Project.open(voc_tree, reading=True)
    assert len(project.images()) == 4
    project.close()


def test_what_a_new_project_leaves_out_is_told(voc_tree):
    (voc_tree / "JPEGImages/bad.jpg").touch()
    project = Project.open_folder(voc_tree)
    assert "bad.jpg" in project.problems[0]
    project.close()


def test_a_project_is_opened_by_its_file_its_folder_or_its_images(project, voc_tree):
    project.close()
    for path in (project.file, project.folder, voc_tree):
        again = Project.open(path)
        assert again.file == project.file
        again.close()
    (voc_tree / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        Project.open(voc_tree / "empty")
    assert not list((voc_tree / "empty").iterdir())


def test_a_second_project_for_a_folder_is_refused(project, voc_tree):
    project.close()
    with pytest.raises(DataError, match="already"):
        Project.create(voc_tree, open_source(voc_tree))


def test_unknown_images_and_classes_are_errors(project):
    for call in (
        lambda: project.record("ghost"),
        lambda: project.set_tags("ghost", ()),
        lambda: project.accept("ghost", MASK),
        lambda: paint(project, "ghost"),
    ):
        with pytest.raises(DataError, match="ghost"):
            call()
    with pytest.raises(DataError, match="zebra"):
        project.set_tags("one", ["zebra"])
    with pytest.raises(DataError, match="cat"):
        project.add_class("cat")


def test_statuses_follow_the_work(project):
    statuses = [project.record("one").status]
    project.store_proposal_mask("one", MASK)
    project.note_proposal("one", 0.5, "models")
    statuses.append(project.record("one").status)
    paint(project, "one")
    statuses.append(project.record("one").status)
    project.set_status("one", Status.PROPOSED)  # a later prediction
    statuses.append(project.record("one").status)
    project.accept("one", MASK)
    project.store_proposal_mask("one", np.zeros_like(MASK))
    statuses.append(project.record("one").status)
    project.unaccept("one")
    statuses.append(project.record("one").status)
    project.undo("one")
    statuses.append(project.record("one").status)
    assert statuses == ["new", "proposed", "corrected", "corrected", "accepted", "corrected", "proposed"]


def test_an_accepted_mask_is_frozen_until_the_image_is_painted_again(project):
    project.store_proposal_mask("one", np.zeros_like(MASK))
    project.accept("one", MASK)
    project.store_proposal_mask("one", np.ones_like(MASK))
    project = reopened(project)
    np.testing.assert_array_equal(project.accepted_mask("one"), MASK)
    np.testing.assert_array_equal(project.current_mask("one"), MASK)
    paint(project, "one")
    assert project.accepted_mask("one") is None
    assert project.record("one").status is Status.CORRECTED
    project.close()


def test_undoing_the_strokes_after_it_brings_an_acceptance_back_and_its_mask(project):
    paint(project, "one")
    project.accept("one", MASK)
    paint(project, "one", 2)
    project = reopened(project)
    assert project.undo("one") is not None
    assert project.record("one").status is Status.ACCEPTED
    np.testing.assert_array_equal(project.accepted_mask("one"), MASK)
    for step, status in ((project.undo, Status.NEW), (project.redo, Status.ACCEPTED)):
        step("one")
        assert project.record("one").status is status
    project.redo("one")
    assert project.record("one").status is Status.CORRECTED and project.accepted_mask("one") is None
    project.close()


def test_an_acceptance_ends_with_the_strokes_it_was_made_of(project):
    paint(project, "one")
    project.accept("one", MASK)
    project.undo("one")
    paint(project, "one", 2)  # may get the number of the stroke that can no longer be redone
    assert project.record("one").status is Status.CORRECTED
    project.undo("one")
    project.redo("one")
    assert project.accepted_mask("one") is None


def test_an_image_opened_again_on_purpose_is_not_accepted_by_an_undo(project):
    project.accept("one", MASK)
    project.unaccept("one")
    paint(project, "one")
    project.undo("one")
    assert project.record("one").status is Status.NEW  # nothing was ever proposed


def test_strokes_that_were_all_undone_leave_no_proposal_of_an_image_nobody_tagged(project):
    project.set_tags("one", None)
    paint(project, "one")
    project.store_proposal_mask("one", MASK)  # what the stroke shows
    project.undo("one")
    project.store_proposal_mask("one", np.zeros_like(MASK))
    assert project.record("one").status is Status.NEW and project.proposal_mask("one") is None


def test_the_mask_as_shown_has_the_strokes_that_are_newer_than_the_proposal(project):
    project.store_proposal_mask("one", MASK)
    expected = MASK.copy()
    for target, label in ((Target.SEEDS, 3), (Target.MASK, 5)):
        edit = paint(project, "one", target=target, label=label)
        y0, x0, y1, x1 = edit.box
        expected[y0:y1, x0:x1] = label
        np.testing.assert_array_equal(project.current_mask("one"), expected)


def test_accepting_goes_through_its_mask(project):
    with pytest.raises(ValueError, match="accept"):
        project.set_status("one", Status.ACCEPTED)


def test_a_damaged_cache_is_as_good_as_none(project):
    assert project.proposal_mask("one") is None
    project.store_proposal_mask("one", MASK)
    np.testing.assert_array_equal(project.proposal_mask("one"), MASK)
    next(project.caches.rglob("one.png")).write_bytes(b"rubbish")
    assert project.proposal_mask("one") is None
    assert project.current_mask("one") is None


def test_every_fourth_corrected_image_validates_beginning_with_the_second(tmp_path):
    for number in range(9):
        Image.new("RGB", (60, 40)).save(tmp_path / f"{number}.png")
    project = Project.open_folder(tmp_path)
    for number in (3, 1, 4, 0, 5, 2):
        paint(project, str(number))
    project.accept("7", MASK)
    paint(project, "3")
    expected = {"3": "train", "1": "val", "4": "train", "0": "train", "5": "train", "2": "val", "7": "train"}
    assert {record.id: record.split for record in project.images() if record.split} == expected
    project.undo("1")
    assert project.record("1").split == "val"
    assert [record.id for record in project.corrected("val")] == ["2"]
    assert [record.id for record in project.corrected()] == ["0", "2", "3", "4", "5", "7"]
    project.close()


def seeds_revision(project: Project) -> int:
    return sum(record.seed_revision for record in project.images())


def test_revisions_move_with_every_change_of_the_seeds_only(project):
    revisions = [seeds_revision(project)]
    for change in (
        lambda: paint(project, "one"),
        lambda: paint(project, "two"),
        lambda: paint(project, "two", target=Target.MASK),
        lambda: project.undo("two"),
        lambda: project.undo("two"),
        lambda: project.redo("two"),
    ):
        change()
        revisions.append(seeds_revision(project))
    assert revisions == [0, 1, 2, 2, 2, 3, 4]
    assert project.record("one").seed_revision == 1
    assert project.record("one").split == "train"


def test_hand_edits_of_the_mask_are_no_lesson_for_the_trainer(project):
    paint(project, "one", target=Target.MASK)
    assert (project.corrected(), project.record("one").split) == ([], None)


def test_model_versions_can_be_gone_back_to(project):
    assert project.model_versions() == []
    for number, score in ((1, 0.5), (2, None)):
        version = project.add_model_version(project.models_dir / f"{number}.safetensors", score, "why")
        assert (version.number, version.current, version.file.name) == (number, True, f"{number}.safetensors")
    project.set_current_version(1)
    project = reopened(project)
    assert [(v.number, v.score, v.current) for v in project.model_versions()] == [
        (1, 0.5, True),
        (2, None, False),
    ]
    project.set_current_version(0)
    assert not any(version.current for version in project.model_versions())
    with pytest.raises(DataError, match="3"):
        project.set_current_version(3)
    with pytest.raises(ValueError, match="elsewhere"):
        project.add_model_version(project.folder / "elsewhere.safetensors", 1.0)
    project.close()


def test_threads_share_a_project(project):
    errors = []

    def work(image_id):
        try:
            for label in range(1, 11):
                paint(project, image_id, label)
                project.images()
        except Exception as error:
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=(image_id,)) for image_id in ("one", "two", "three", "four")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert seeds_revision(project) == 40
    assert all(project.layer(i, Target.SEEDS, (40, 60)).min() == 10 for i in ("one", "two", "three", "four"))


def test_a_closed_project_says_so(project):
    project.close()
    with pytest.raises(DataError, match="closed"):
        project.images()


def test_ten_thousand_images_are_opened_and_listed(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "0.png")
    for number in range(1, 10_000):
        os.link(tmp_path / "0.png", tmp_path / f"{number}.png")
    project = reopened(Project.open_folder(tmp_path))
    records = project.images()
    assert len(records) == 10_000
    assert records[-1].id == "9999"
    project.close()


@pytest.mark.parametrize("root", ["/etc", "../..", "../../secret", ""])
def test_a_project_file_of_somebody_else_does_not_reach_photos_elsewhere(voc_tree, root):
    project = Project.open_folder(voc_tree)
    project.set_setting("root", root)
    project.close()
    for reading in (False, True):
        with pytest.raises(DataError, match=r"project\.sqlite is of photos that lie elsewhere"):
            Project.open(project.file, reading)
