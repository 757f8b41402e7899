"""The badge near the photo: a mask that is a preview says so, and no stroke is covered."""

import pytest
from canvas_desk import LEFT, at, move, press, release
from desk import Held, wait_settled
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from annotator.canvas.badge import EDGE, HEIGHT
from annotator.shell.window import Window

PREVIEW = "Preview · full mask follows"


def corner(window: Window) -> QImage:
    """What is seen where the badge lies."""
    port = window.canvas.viewport()
    return port.grab().toImage().copy(port.width() - 60, EDGE, 40, HEIGHT)


def test_a_preview_says_so_until_the_full_mask_is_there(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, canvas = window.session, window.canvas
    assert canvas.badge == ""
    held = Held(session, monkeypatch)
    with qtbot.waitSignal(session.proposal_changed, timeout=20000):
        session.open_image("chelsea")
    held.wait(qtbot)
    assert session.proposal.fast and canvas.badge == PREVIEW
    with_badge = corner(window)
    canvas.set_layer_visible("mask", False)
    assert corner(window) != with_badge  # it is the mask that it tells of
    canvas.set_layer_visible("mask", True)
    assert corner(window) == with_badge
    held.let_go()
    wait_settled(session, qtbot)
    assert canvas.badge == "" and corner(window) != with_badge


def test_the_badge_gives_way_to_a_stroke(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, canvas = window.session, window.canvas
    held = Held(session, monkeypatch)
    with qtbot.waitSignal(session.proposal_changed, timeout=20000):
        session.open_image("chelsea")
    held.wait(qtbot)
    start = at(canvas, 40, 40)
    press(canvas, start, LEFT)
    move(canvas, start + QPoint(20, 5))
    assert canvas.badge == ""
    release(canvas, start + QPoint(20, 5), LEFT)
    assert canvas.badge == PREVIEW
    held.let_go()
    wait_settled(session, qtbot)


def test_an_image_without_a_proposal_says_that_one_is_made(window: Window, qtbot: QtBot) -> None:
    told: list[str] = []
    window.session.image_changed.connect(
        lambda _: window.session.busy_changed.connect(lambda *_: told.append(window.canvas.badge))
    )
    with qtbot.waitSignal(window.session.image_changed, timeout=20000):
        window.session.open_image("rocket")
    wait_settled(window.session, qtbot)
    assert told[0] == "Proposing a mask…" and told[-1] == ""
