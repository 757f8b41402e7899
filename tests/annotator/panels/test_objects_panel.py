"""Objects by real events: cut by a line and a click, joined by a drag and in the list, undone, kept."""

from contextlib import closing

import numpy as np
import pytest
from desk import press, says, wait_settled
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.shell.window import Window
from trainer.data import class_changes
from trainer.data.project import Project, Status, Target

PERSON, DOG = 15, 12
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(active: Window, qtbot: QtBot) -> Window:
    """Two persons that touch by a neck, one apart, and a dog; the Objects panel and tool in use."""
    session = active.session
    height, width = session.mask.shape
    mask = np.zeros((height, width), np.uint8)
    mask[20:70, 10:50] = mask[20:70, 65:110] = mask[40:50, 50:65] = PERSON
    mask[90:110, 10:40] = PERSON
    mask[90:110, 80:110] = DOG
    session.strokes.commit((0, 0, height, width), mask, "brush", Target.MASK)
    session.save()
    active.docks["objects"].raise_()
    press(active, Qt.Key.Key_J, qtbot)
    found(active, qtbot, ["dog 1", "person 1", "person 2"])
    return active


@pytest.fixture
def session(window: Window) -> Session:
    return window.session


def found(window: Window, qtbot: QtBot, names: list[str]) -> None:
    """Wait until the list names these objects."""

    def listed() -> list[str]:
        return [window.objects.list.item(row).text() for row in range(window.objects.list.count())]

    qtbot.waitUntil(lambda: listed() == names, timeout=10000)


def at(window: Window, x: float, y: float) -> QPoint:
    return window.canvas.from_image(QPointF(x, y)).toPoint()


def drag(window: Window, start: tuple[float, float], end: tuple[float, float]) -> None:
    viewport = window.canvas.viewport()
    QTest.mouseMove(viewport, at(window, *start))
    QTest.mousePress(viewport, LEFT, pos=at(window, *start))
    for share in (0.3, 0.6, 1.0):
        x, y = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        QTest.mouseMove(viewport, at(window, x, y))
    QTest.mouseRelease(viewport, LEFT, pos=at(window, *end))


def undo(window: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(window.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def test_a_line_across_cuts_and_ctrl_z_takes_it_back(window: Window, session: Session, qtbot: QtBot) -> None:
    drag(window, (57.5, 30.0), (57.5, 60.0))
    found(window, qtbot, ["dog 1", "person 1", "person 2", "person 3"])
    numbers = session.objects.numbers
    assert numbers[30, 20] != numbers[30, 80] and numbers[45, 52] == numbers[30, 20]
    undo(window, qtbot)
    found(window, qtbot, ["dog 1", "person 1", "person 2"])
    qtbot.keyClick(
        window.canvas,
        Qt.Key.Key_Z,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    found(window, qtbot, ["dog 1", "person 1", "person 2", "person 3"])


def test_a_click_cuts_where_it_is_narrow_after_showing_where(
    window: Window, session: Session, qtbot: QtBot
) -> None:
    QTest.mouseMove(window.canvas.viewport(), at(window, 57, 45))
    qtbot.waitUntil(lambda: session.objects.preview is not None)
    (x0, y0), (x1, y1) = session.objects.preview
    assert abs(x1 - x0) < 3 and abs(y1 - y0) <= 12
    QTest.mouseClick(window.canvas.viewport(), LEFT, pos=at(window, 57, 45))
    found(window, qtbot, ["dog 1", "person 1", "person 2", "person 3"])


def test_a_drag_from_one_to_another_joins(window: Window, session: Session, qtbot: QtBot) -> None:
    drag(window, (30, 60), (25, 100))
    found(window, qtbot, ["dog 1", "person 1"])
    assert session.objects.numbers[60, 30] == session.objects.numbers[100, 25]


def test_the_list_joins_what_is_selected_and_forgets_it_again(
    window: Window, session: Session, qtbot: QtBot
) -> None:
    panel = window.objects
    assert not panel.join.isEnabled()
    for row in (1, 2):
        item = panel.list.item(row)
        item.setSelected(True)
    assert session.objects.chosen == (2, 3) and panel.join.isEnabled()
    qtbot.mouseClick(panel.join, LEFT)
    found(window, qtbot, ["dog 1", "person 1"])
    panel.list.item(1).setSelected(True)
    qtbot.mouseClick(panel.automatic, LEFT)
    found(window, qtbot, ["dog 1", "person 1", "person 2"])


def test_objects_of_two_classes_cannot_be_joined(window: Window, qtbot: QtBot) -> None:
    for row in (0, 1):
        window.objects.list.item(row).setSelected(True)
    assert not window.objects.join.isEnabled() and window.objects.automatic.isEnabled()


def test_a_line_that_cuts_nothing_says_so(window: Window, session: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(session.message, check_params_cb=lambda _, text: "cuts no object" in text):
        drag(window, (2, 2), (5, 12))
    assert (session.document.marks == 255).all()


def test_escape_gives_a_line_up(window: Window, session: Session, qtbot: QtBot) -> None:
    viewport = window.canvas.viewport()
    QTest.mousePress(viewport, LEFT, pos=at(window, 57, 30))
    QTest.mouseMove(viewport, at(window, 57, 60))
    press(window, Qt.Key.Key_Escape, qtbot)
    QTest.mouseRelease(viewport, LEFT, pos=at(window, 57, 60))
    session.save()
    assert (session.document.marks == 255).all()


def test_an_accepted_photo_stays_accepted_and_its_objects_are_kept(
    window: Window, session: Session, qtbot: QtBot
) -> None:
    image_id = session.image_id
    session.acceptance.accept()
    qtbot.waitUntil(lambda: session.records[image_id].status is Status.ACCEPTED)
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.image_changed):
        session.open_image(image_id)
    drag(window, (57.5, 30.0), (57.5, 60.0))
    found(window, qtbot, ["dog 1", "person 1", "person 2", "person 3"])
    session.save()
    assert session.records[image_id].status is Status.ACCEPTED and session.document.accepted
    undo(window, qtbot)
    found(window, qtbot, ["dog 1", "person 1", "person 2"])
    session.save()
    assert session.records[image_id].status is Status.ACCEPTED and session.document.accepted


def test_cuts_are_there_when_the_photo_is_opened_again(
    window: Window, session: Session, qtbot: QtBot
) -> None:
    drag(window, (57.5, 30.0), (57.5, 60.0))
    found(window, qtbot, ["dog 1", "person 1", "person 2", "person 3"])
    session.save()
    stored = session.project.layer(session.image_id, Target.OBJECTS, session.mask.shape)
    assert len(np.unique(stored)) == 3
    image_id = session.image_id
    session.go(1)
    qtbot.waitUntil(lambda: session.image_id != image_id)
    session.open_image(image_id)
    found(window, qtbot, ["dog 1", "person 1", "person 2", "person 3"])
    with closing(Project.open(session.project.file, reading=True)) as project:
        again = project.layer(image_id, Target.OBJECTS, session.mask.shape)
    np.testing.assert_array_equal(again, stored)


def test_stuff_is_one_without_a_number(window: Window, session: Session, qtbot: QtBot) -> None:
    session.class_editing.change(lambda meaning: class_changes.set_stuff(meaning, PERSON, True))
    found(window, qtbot, ["dog 1", "person"])


def test_objects_follow_the_brush(window: Window, session: Session, qtbot: QtBot) -> None:
    session.strokes.commit((90, 10, 110, 40), np.zeros((20, 30), np.uint8), "brush", Target.MASK)
    found(window, qtbot, ["dog 1", "person 1"])


def test_the_panel_says_what_to_do_where_there_is_nothing(window: Window, qtbot: QtBot) -> None:
    assert says(window.objects, "Objects tool (J)")
    height, width = window.session.mask.shape
    window.session.strokes.commit(
        (0, 0, height, width), np.zeros((height, width), np.uint8), "brush", Target.MASK
    )
    found(window, qtbot, [])
    assert says(window.objects, "each connected area is one")
