"""Tags and classes: the proposal follows them."""

from threading import Event

import numpy as np
import pytest
from desk import stroke, wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session
from trainer.data.classes import BACKGROUND
from trainer.data.project import Project
from trainer.errors import DataError

CAT = 8
BOX = (20, 30, 40, 60)
WINDOW = np.s_[20:40, 30:60]


def test_tags_change_the_proposal(cat: Session, qtbot: QtBot) -> None:
    cat.tagging.set_tags(("cat", "person"))
    wait_settled(cat, qtbot)
    qtbot.waitUntil(lambda: set(cat.cam_classes) == {CAT, 15}, timeout=10000)
    cat.tagging.set_tags(())
    wait_settled(cat, qtbot)
    assert cat.cam_classes == () and (cat.mask == BACKGROUND).all()


def test_a_new_class_can_be_tagged_and_painted_at_once(cat: Session, qtbot: QtBot) -> None:
    added: list[int] = []
    cat.tagging.add_class("whisker", added.append, cat.report)
    qtbot.waitUntil(lambda: bool(added), timeout=10000)
    (whisker,) = added
    cat.tagging.set_tags(("cat", "whisker"))
    qtbot.waitUntil(lambda: whisker in cat.cam_classes and not cat.busy, timeout=10000)
    stroke(cat, whisker, BOX)
    wait_settled(cat, qtbot)
    assert (cat.mask[WINDOW] == whisker).all()


def test_nobody_waits_while_a_class_is_written(cat: Session, qtbot: QtBot) -> None:
    may_write = Event()
    cat.writer.submit(lambda: may_write.wait(60))
    answers: list[object] = []
    for _ in range(2):
        cat.tagging.add_class("whisker", answers.append, answers.append)
    assert "whisker" not in cat.classes.names and not answers
    with qtbot.waitSignal(cat.classes_changed, timeout=10000):
        may_write.set()
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=10000)
    assert cat.classes.id_of("whisker") == answers[0]
    assert isinstance(answers[1], DataError), "added twice"


def test_tags_that_the_disk_refuses_are_kept_told_of_and_written_later(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DataError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Project, "set_tags", full)
        with qtbot.waitSignal(cat.message) as told:
            cat.tagging.set_tags(("cat", "person"))
        assert told.args[0] == "error" and "chelsea" in told.args[1] and "the disk is full" in told.args[1]
    assert not cat.saved and cat.record is not None and cat.record.tags == ("cat", "person")
    wait_settled(cat, qtbot)
    assert cat.project is not None and cat.project.record("chelsea").tags == ("cat", "person")


def test_tags_given_one_after_the_other_wait_for_no_disk(cat: Session, qtbot: QtBot) -> None:
    may_write = Event()
    cat.writer.submit(lambda: may_write.wait(60))
    cat.tagging.set_tags(("cat", "person"))
    cat.reload_record("chelsea")  # as an answer of the trainer does
    assert cat.record is not None and cat.record.tags == ("cat", "person")
    cat.tagging.set_tags((*cat.record.tags, "dog"))
    assert cat.project is not None and cat.project.record("chelsea").tags == ("cat",)
    may_write.set()
    wait_settled(cat, qtbot)
    assert cat.project.record("chelsea").tags == cat.record.tags == ("cat", "person", "dog")
    assert len(cat.cam_classes) == 3
