"""Proposals for all images, as a labeler asks for them and sees them come."""

from pathlib import Path

import pytest
from desk import Held, go_to, wait_settled
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.panels.images import Order
from annotator.session import Session
from annotator.shell.window import Window
from trainer.data.project import Status
from trainer.worker.messages import Predict, StartSweep
from trainer.worker.thread import TrainerWorker


def wait_ended(session: Session, qtbot: QtBot) -> None:
    """Wait until all proposals are made."""
    qtbot.waitUntil(lambda: not session.propose_all.running, timeout=60000)


def test_its_key_proposes_for_all_and_the_list_and_the_export_know_them(active: Window, qtbot: QtBot) -> None:
    session, action = active.session, active.actions_table["propose_all"]
    qtbot.keyClick(active.canvas, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert not action.isEnabled()
    wait_ended(session, qtbot)
    assert action.isEnabled()
    assert any(text.startswith("Images proposed for: ") for text in active.messages.texts)
    records = session.records.values()
    assert {record.status for record in records} == {Status.PROPOSED}
    active.images.order.setCurrentIndex(Order.USEFUL)
    most_useful = sorted(records, key=lambda record: -(record.margin or 0))
    assert active.images.model.ids == [record.id for record in most_useful]
    active.project_actions.export()
    assert active.project_actions.export_dialog is not None
    assert (
        active.project_actions.export_dialog.everything.text()
        == f"All images that have a mask ({len(records)})"
    )
    active.project_actions.export_dialog.close()
    action.trigger()
    wait_ended(session, qtbot)
    assert any(text.startswith("There is nothing to propose") for text in active.messages.texts)


def test_panel_and_status_bar_show_how_far_it_is_and_cancel_ends_it(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, box = window.session, window.trainer.propose_all
    window.docks["trainer"].raise_()
    qtbot.waitUntil(lambda: len([r for r in session.records.values() if r.margin is not None]) == 2)
    held = Held(session, monkeypatch)
    qtbot.mouseClick(box.start, Qt.MouseButton.LeftButton)
    held.wait(qtbot)
    qtbot.waitUntil(lambda: box.doing.text() == "Proposing 1 of 4")
    assert window.status.proposing.text() == "Proposing 1 of 4" and box.progress.isVisible()
    qtbot.mouseClick(box.cancel, Qt.MouseButton.LeftButton)
    held.let_go()
    wait_ended(session, qtbot)
    assert "Cancelled. Images proposed for: 1; these proposals stay." in window.messages.texts
    statuses = [record.status for record in session.records.values()]
    assert statuses.count(Status.PROPOSED) == 3
    assert not box.cancel.isVisible() and window.status.proposing.text() == ""


def test_an_image_that_cannot_be_read_is_named_and_the_others_follow(
    window: Window, sample: Path, qtbot: QtBot
) -> None:
    session = window.session
    file = session.records["rocket"].path
    file.write_bytes(file.read_bytes()[:1000])
    session.propose_all.start()
    wait_ended(session, qtbot)
    assert any(file.name in text for text in window.messages.texts)
    assert [r.id for r in session.records.values() if r.status is Status.NEW] == ["rocket"]


def test_the_open_image_keeps_its_proposal_and_another_one_can_be_opened_meanwhile(
    opened: Session, qtbot: QtBot
) -> None:
    first, proposal = opened.image_id, opened.proposal
    opened.propose_all.start()
    go_to(opened, "rocket", qtbot)
    wait_ended(opened, qtbot)
    go_to(opened, first, qtbot)
    assert opened.proposal is proposal


def test_asked_for_while_the_models_load_it_begins_when_they_are_there_after_the_open_image(
    session: Session, sample: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[type] = []
    post = TrainerWorker.post
    monkeypatch.setattr(
        TrainerWorker, "post", lambda self, command: (asked.append(type(command)), post(self, command))
    )
    session.project_opened.connect(session.propose_all.start)
    session.open_project(sample)
    wait_settled(session, qtbot)
    wait_ended(session, qtbot)
    assert asked.index(Predict) < asked.index(StartSweep)
    assert {record.status for record in session.records.values()} == {Status.PROPOSED}


def test_another_project_ends_it(opened: Session, voc_tree: Path, qtbot: QtBot) -> None:
    opened.propose_all.start()
    with qtbot.waitSignal(opened.project_opened, timeout=20000):
        opened.open_project(voc_tree)
    assert not opened.propose_all.running
    wait_settled(opened, qtbot)
