"""The outline under the resting mouse: it comes, shows what a click would give, and goes."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from canvas_desk import CAT, LEFT, at, move, open_canvas, open_session, press, propose, release
from PySide6.QtCore import QPoint, QPointF, QRectF
from pytestqt.qtbot import QtBot

from annotator.canvas.view import CanvasView
from annotator.session import Session


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, rng: np.random.Generator) -> Session:
    return open_session(qtbot, tmp_path, rng.integers(0, 255, (90, 120, 3), np.uint8))


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> CanvasView:
    """A canvas on which a seed stroke takes the whole block of 20 × 20 pixels that it touches."""
    view = open_canvas(qtbot, session, (600, 450))
    proposal = propose(qtbot, session)

    def refine(corrections: np.ndarray) -> np.ndarray:
        mask = proposal.mask.copy()
        for y, x in zip(*np.nonzero(corrections != 255), strict=True):
            mask[y // 20 * 20 : y // 20 * 20 + 20, x // 20 * 20 : x // 20 * 20 + 20] = corrections[y, x]
        return mask

    proposal.refine = refine
    session.brush_radius = 2
    return view


def rest(qtbot: QtBot, view: CanvasView, to: QPoint) -> None:
    move(view, to)
    qtbot.waitUntil(lambda: view.click_preview.path is not None)


def test_the_outline_of_what_a_click_gives_comes_where_the_mouse_rests_and_goes_when_it_moves(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    move(view, at(view, 85, 25))
    bare = view.viewport().grab().toImage()
    mask = session.mask.copy()
    rest(qtbot, view, at(view, 90, 30))
    assert view.click_preview.path.boundingRect() == QRectF(80, 20, 20, 20)
    edge = view.from_image(QPointF(80, 21)).toPoint()
    assert view.viewport().grab().toImage().pixelColor(edge) != bare.pixelColor(edge)
    assert (session.corrections == 255).all() and (session.mask == mask).all()
    move(view, at(view, 85, 25))
    assert view.click_preview.path is None
    assert view.viewport().grab().toImage() == bare


def test_background_outlines_what_would_be_taken_away(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    session.class_id = 0
    rest(qtbot, view, at(view, 30, 50))
    assert view.click_preview.path.boundingRect() == QRectF(20, 40, 20, 20)


def test_nothing_is_outlined_while_a_stroke_is_drawn_or_where_a_click_changes_nothing(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    rest(qtbot, view, at(view, 90, 30))
    press(view, at(view, 90, 30))
    assert view.click_preview.path is None
    move(view, at(view, 91, 30))
    qtbot.waitUntil(lambda: session.mask[25, 95] == CAT)  # the stroke's own preview, asked for later
    assert view.click_preview.path is None
    release(view, at(view, 91, 30), LEFT)
    move(view, at(view, 20, 60))  # it is all cat already
    with qtbot.waitSignal(session.paint_changed):
        session.outline_clicks = False
    move(view, at(view, 90, 70))
    assert not view.click_preview.resting and view.click_preview.path is None


def test_the_outline_follows_the_class_that_is_chosen(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    rest(qtbot, view, at(view, 90, 30))
    session.class_id = 0
    assert view.click_preview.path is None  # background is there already


def test_the_outline_comes_at_a_first_glimpse_and_follows_the_closer_look(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    proposal, wide, glimpsed = session.proposal, np.zeros(session.mask.shape, bool), Event()
    wide[10:50, 70:110] = True
    look_closer = proposal.answers

    def answers(corrections: np.ndarray, sketch: bool) -> Iterator[np.ndarray]:
        glimpsed.wait(20)
        return look_closer(corrections)

    proposal.glimpse, proposal.answers = lambda corrections, class_id: wide, answers
    rest(qtbot, view, at(view, 90, 30))
    assert view.click_preview.path.boundingRect() == QRectF(70, 10, 40, 40)
    glimpsed.set()
    qtbot.waitUntil(lambda: view.click_preview.path.boundingRect() == QRectF(80, 20, 20, 20))


def test_the_glimpse_of_background_takes_away_what_the_class_under_the_mouse_loses(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    proposal = session.proposal
    asked: list[int] = []

    def glimpse(corrections: np.ndarray, class_id: int) -> np.ndarray:
        asked.append(class_id)
        return proposal.refine(corrections) == class_id

    proposal.glimpse = glimpse
    session.class_id = 0
    rest(qtbot, view, at(view, 30, 50))
    assert view.click_preview.path.boundingRect() == QRectF(20, 40, 20, 20)
    assert asked == [CAT]
