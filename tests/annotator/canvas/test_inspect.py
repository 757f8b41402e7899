"""Panes that move as one, and the panel that explains a pixel."""

from pathlib import Path

import numpy as np
import pytest
from canvas_desk import CAT, DOG, MadeUpProposal, at, deliver, move, open_session, paint, propose, show, wheel
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.canvas.inspect import InspectView
from annotator.canvas.panes import Legend
from annotator.panels.inspector import InspectorPanel
from annotator.session import Session
from trainer.data.project import Target


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, rng: np.random.Generator) -> Session:
    return open_session(qtbot, tmp_path, rng.integers(0, 255, (90, 120, 3), np.uint8))


@pytest.fixture
def inspect(qtbot: QtBot, session: Session) -> InspectView:
    view = InspectView(session)
    qtbot.addWidget(view, before_close_func=lambda _: session.close())
    view.resize(900, 700)
    show(qtbot, view)
    return view


def assert_together(inspect: InspectView) -> None:
    first = inspect.views[0].where
    for view in inspect.views[1:]:
        assert view.where.scale == pytest.approx(first.scale)
        assert (view.where.centre - first.centre).manhattanLength() * first.scale <= 2


def test_every_pane_is_closed_at_the_end_of_its_header(inspect: InspectView) -> None:
    for pane in inspect.panes.values():
        assert pane.header.itemAt(pane.header.count() - 1).widget() is pane.close_button


def test_zoom_and_pan_in_one_pane_move_all(inspect: InspectView) -> None:
    assert_together(inspect)
    wheel(inspect.panes["seeds"].view, QPoint(100, 60), 3)
    assert_together(inspect)
    image = inspect.panes["image"].view
    before = image.where.centre
    paint(
        image, QPoint(200, 150), QPoint(150, 100)
    )  # a pane that is only looked at pans with the left button
    assert image.where.centre != before
    assert_together(inspect)
    inspect.fit()
    assert_together(inspect)
    inspect.resize(700, 800)
    QApplication.processEvents()
    assert_together(inspect)


def test_the_mouse_in_one_pane_is_marked_in_the_others(inspect: InspectView) -> None:
    views = {name: pane.view for name, pane in inspect.panes.items()}
    QApplication.processEvents()
    before = {name: view.viewport().grab().toImage() for name, view in views.items()}
    seen: list[QPointF] = []
    inspect.hovered.connect(seen.append)
    mouse = at(views["image"], 60, 45)
    move(views["image"], mouse)
    QApplication.processEvents()
    assert (seen[-1] - QPointF(60, 45)).manhattanLength() < 1
    after = {name: view.viewport().grab().toImage() for name, view in views.items()}
    assert after["image"] == before["image"]
    assert all(after[name] != before[name] for name in ("cam", "seeds", "propagated", "mask"))


def test_a_stroke_in_the_seeds_pane_is_followed_by_the_mask_pane(
    qtbot: QtBot, inspect: InspectView, session: Session
) -> None:
    propose(qtbot, session)
    seeds = inspect.panes["seeds"].view
    paint(seeds, at(seeds, 75, 10), at(seeds, 100, 15))
    assert session.corrections[10, 75] == CAT
    qtbot.waitUntil(lambda: session.mask[10, 75] == CAT)
    image = inspect.panes["image"].view
    paint(image, at(image, 20, 20), at(image, 30, 30))
    assert (session.corrections[:, :60] == 255).all()


def test_the_cam_pane_shows_the_class_that_is_chosen(
    qtbot: QtBot, inspect: InspectView, session: Session
) -> None:
    propose(qtbot, session)
    assert [inspect.cam_class.itemText(i) for i in range(2)] == ["cat", "dog"]
    cam = inspect.panes["cam"].view
    QApplication.processEvents()
    before = cam.viewport().grab().toImage()
    inspect.cam_class.setCurrentIndex(1)
    inspect.cam_class.activated.emit(1)
    assert session.cam_class == DOG
    QApplication.processEvents()
    assert cam.viewport().grab().toImage() != before
    assert "cat" in inspect.panes["mask"].legend.text() and "dog" in inspect.panes["mask"].legend.text()


def test_a_legend_shows_what_there_is_room_for_and_tells_all(qtbot: QtBot) -> None:
    legend = Legend()
    qtbot.addWidget(legend)
    names = [f"a long name {n}" for n in range(8)]
    legend.show_entries(("■", name) for name in names)
    legend.resize(legend.fontMetrics().horizontalAdvance("■ a long name 0    ") * 3, 20)
    show(qtbot, legend)
    assert "a long name 1" in legend.text() and "a long name 5" not in legend.text()
    assert legend.text().endswith("+6") and all(name in legend.toolTip() for name in names)
    legend.resize(4000, 20)
    QApplication.processEvents()
    assert all(name in legend.text() for name in names) and not legend.toolTip()


def test_what_propagation_alone_says_has_a_pane_beside_the_final_mask(
    qtbot: QtBot, inspect: InspectView, session: Session
) -> None:
    assert list(inspect.panes) == ["image", "cam", "seeds", "propagated", "mask"]
    proposal = stripes()
    proposal.propagated = np.full_like(proposal.mask, CAT)
    deliver(qtbot, session, proposal)
    QApplication.processEvents()
    shots = [inspect.panes[name].view.viewport().grab().toImage() for name in ("propagated", "mask")]
    place = at(inspect.panes["mask"].view, 70, 40)
    assert shots[0].pixelColor(place) != shots[1].pixelColor(place)
    session.strokes.commit((38, 58, 43, 63), np.full((5, 5), DOG, np.uint8), "brush")
    qtbot.waitUntil(lambda: session.mask[40, 60] == DOG and session.propagated[40, 60] == DOG)
    QApplication.processEvents()
    followed = inspect.panes["propagated"].view.viewport().grab().toImage()
    painted = at(inspect.panes["propagated"].view, 60, 40)
    assert followed.pixelColor(painted) != shots[0].pixelColor(painted), "it follows the corrected seeds"
    assert followed.pixelColor(place) == shots[0].pixelColor(place)
    session.strokes.undo()
    qtbot.waitUntil(lambda: session.propagated[40, 60] == CAT)
    QApplication.processEvents()
    assert inspect.panes["propagated"].view.viewport().grab().toImage() == shots[0]


def test_any_pane_can_be_closed_and_opened_again(qtbot: QtBot, inspect: InspectView) -> None:
    def shown() -> list[str]:
        return [name for name, pane in inspect.panes.items() if pane.isVisible()]

    wheel(inspect.panes["seeds"].view, QPoint(100, 60), 3)
    before, width = inspect.views[0].where.scale, inspect.panes["mask"].width()
    for name in ("image", "cam", "propagated"):
        qtbot.mouseClick(inspect.panes[name].close_button, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert shown() == ["seeds", "mask"]
    assert inspect.panes["mask"].width() > width or inspect.panes["mask"].height() > 340, "there is more room"
    assert inspect.views[0].where.scale == pytest.approx(before)
    assert_together(inspect)
    qtbot.mouseClick(inspect.panes["seeds"].close_button, Qt.MouseButton.LeftButton)
    assert shown() == ["mask"] and not inspect.panes["mask"].close_button.isEnabled()
    for name in ("cam", "seeds", "image", "propagated"):
        qtbot.mouseClick(inspect.reopeners[name], Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert shown() == ["image", "cam", "seeds", "propagated", "mask"]
    assert_together(inspect)


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> InspectorPanel:
    panel = InspectorPanel(session)
    qtbot.addWidget(panel, before_close_func=lambda _: session.close())
    show(qtbot, panel)
    return panel


def stripes() -> MadeUpProposal:
    """Left to right: sure cat, neutral to cat, sure background, overruled cat, neutral to background."""
    seeds = np.repeat(np.uint8([CAT, 255, 0, CAT, 255]), 24)[None].repeat(90, 0)
    mask = np.repeat(np.uint8([CAT, CAT, 0, 0, 0]), 24)[None].repeat(90, 0)
    cams = np.repeat([0.9, 0.4, 0.01, 0.7, 0.2], 24)[None].repeat(90, 0)
    return MadeUpProposal((CAT,), cams[None], seeds, mask)


@pytest.mark.parametrize(
    ("column", "mask", "seed", "why"),
    [
        (10, "cat", "surely cat", "strict background"),
        (30, "cat", "neutral", "pixels nearby"),
        (60, "background", "surely background", "highest score 0.01"),
        (80, "background", "surely cat", "The seed is cat"),
        (110, "background", "neutral", "background spread"),
    ],
)
def test_the_inspector_says_what_a_pixel_is_and_why(
    qtbot: QtBot, panel: InspectorPanel, session: Session, column: int, mask: str, seed: str, why: str
) -> None:
    deliver(qtbot, session, stripes())
    panel.show_at(QPointF(column + 0.5, 40.5))
    assert panel.pixel_label.text() == f"{column}, 40"
    assert panel.mask_label.text() == mask
    assert panel.seed_label.text() == seed
    assert why in panel.why.text()


@pytest.mark.parametrize(
    ("source", "column", "why"),
    [
        ("mean", 30, "resembles those of cat most"),
        ("segmentation", 10, "segmentation network predicts cat"),
        ("segmentation", 60, "segmentation network predicts background"),
    ],
)
def test_the_inspector_names_what_the_mask_comes_from(
    qtbot: QtBot, panel: InspectorPanel, session: Session, source: str, column: int, why: str
) -> None:
    proposal = stripes()
    proposal.source = source
    deliver(qtbot, session, proposal)
    panel.show_at(QPointF(column + 0.5, 40.5))
    assert why in panel.why.text()


@pytest.mark.parametrize(
    ("source", "method"), [("mean", "propagation"), ("segmentation", "the segmentation network")]
)
def test_what_the_stroke_network_has_changed_is_not_said_of_the_method(
    qtbot: QtBot, panel: InspectorPanel, session: Session, source: str, method: str
) -> None:
    proposal = stripes()
    proposal.source, proposal.propagated = source, np.full_like(proposal.mask, DOG)
    deliver(qtbot, session, proposal)
    panel.show_at(QPointF(10.5, 40.5))
    assert panel.why.text() == f"The stroke network drew the outline here; {method} alone says dog."


def test_what_strokes_have_changed_beside_them_is_not_said_of_the_method(
    qtbot: QtBot, panel: InspectorPanel, session: Session
) -> None:
    proposal = stripes()
    proposal.refine = lambda corrections: np.full_like(corrections, DOG)
    deliver(qtbot, session, proposal)
    panel.show_at(QPointF(10.5, 40.5))
    session.strokes.commit((38, 58, 43, 63), np.full((5, 5), DOG, np.uint8), "brush")
    qtbot.waitUntil(lambda: bool((session.mask == DOG).all()))
    assert panel.why.text() == "Your strokes made this dog; without them it would be cat."


def test_what_the_person_painted_is_the_reason_given_first(
    qtbot: QtBot, panel: InspectorPanel, session: Session
) -> None:
    deliver(qtbot, session, stripes())
    panel.show_at(QPointF(60.5, 40.5))
    box, after = (38, 58, 43, 63), np.full((5, 5), CAT, np.uint8)
    session.strokes.commit(box, after, "brush")
    assert panel.seed_label.text() == "cat (your stroke)"
    assert panel.why.text().startswith("You painted cat")
    session.target = Target.MASK
    session.strokes.commit(box, np.full((5, 5), DOG, np.uint8), "brush")
    assert "dog here by hand" in panel.why.text()


def test_outside_the_image_the_inspector_says_how_to_use_it(panel: InspectorPanel) -> None:
    for point in (None, QPointF(-0.5, 3), QPointF(3, 90.5)):
        panel.show_at(point)
        assert panel.pixel_label.text() == "–" and "Move the mouse" in panel.why.text()
