"""The Seeds panel: sliders that move the cues, defaults, the choice of what makes the mask."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from desk import segmenting_engine, small_engine, stroke, wait_settled
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QRadioButton
from pytestqt.qtbot import QtBot
from skimage.measure import label

from annotator.panels.seeds import SeedsPanel
from annotator.session import Session


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> SeedsPanel:
    panel = SeedsPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_it_waits_for_a_proposal(panel: SeedsPanel, session: Session, sample, qtbot: QtBot) -> None:
    assert not panel.low.isEnabled()
    session.open_project(sample)
    wait_settled(session, qtbot)
    assert panel.low.isEnabled()
    assert panel.low.value == pytest.approx(session.settings.alpha_low)


def test_dragging_moves_the_cues_and_letting_go_keeps_the_value(
    panel: SeedsPanel, session: Session, sample, qtbot: QtBot
) -> None:
    session.open_project(sample)
    wait_settled(session, qtbot)
    before = session.seeds.copy()
    panel.threshold.slider.setSliderDown(True)
    panel.threshold.slider.setValue(190)
    qtbot.waitUntil(lambda: bool((session.seeds != before).any()), timeout=10000)
    assert session.settings.threshold == 0.0
    panel.threshold.slider.setSliderDown(False)
    assert session.settings.threshold == pytest.approx(0.95)
    wait_settled(session, qtbot)
    panel.reset.click()
    assert session.settings.threshold == 0.0 and panel.threshold.value == 0.0
    wait_settled(session, qtbot)


def test_the_two_alphas_never_cross(panel: SeedsPanel, session: Session, sample, qtbot: QtBot) -> None:
    session.open_project(sample)
    wait_settled(session, qtbot)
    panel.low.slider.setValue(200)
    assert panel.high.value == panel.low.value
    wait_settled(session, qtbot)


def test_the_rule_of_spreading_changes_the_mask_for_the_whole_project(
    panel: SeedsPanel, session: Session, sample, qtbot: QtBot
) -> None:
    session.open_project(sample)
    wait_settled(session, qtbot)
    panel.modes["mean"].click()
    assert session.settings.mode == "mean"
    session.writer.finish()
    assert session.project.setting("method") == {"mode": "mean", "segmentation": False}
    wait_settled(session, qtbot)


@pytest.fixture
def segmenting(qtbot: QtBot, sample: Path) -> Iterator[Session]:
    """The sample open, its first photo shows a person, with models that hold a segmentation network."""
    session = Session(segmenting_engine)
    session.open_project(sample)
    wait_settled(session, qtbot)
    yield session
    assert session.close()


def click(button: QRadioButton, session: Session, source: str, qtbot: QtBot) -> None:
    """Click a choice on its ring, and wait for the mask that it makes."""
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(8, button.height() // 2))
    qtbot.waitUntil(lambda: session.proposal.source == source and not session.proposal.fast, timeout=20000)
    wait_settled(session, qtbot)


def test_the_segmentation_network_is_chosen_by_a_click_and_strokes_correct_it(
    segmenting: Session, qtbot: QtBot
) -> None:
    session, panel = segmenting, SeedsPanel(segmenting)
    qtbot.addWidget(panel)
    panel.resize(300, 700)
    panel.show()
    walked = session.mask.copy()
    assert panel.modes["walk"].isChecked() and panel.network.isEnabled() and not panel.network.toolTip()

    click(panel.network, session, "segmentation", qtbot)
    assert panel.network.isChecked() and not panel.modes["walk"].isChecked()
    predicted = session.mask.copy()
    assert (predicted != walked).any()
    bright = session.image.mean(axis=2) > 124
    assert ((session.propagated == session.classes.id_of("person")) == bright).mean() > 0.8

    stroke(session, 0, (20, 20, 60, 60))
    wait_settled(session, qtbot)
    assert not session.mask[20:60, 20:60].any()
    session.strokes.undo()
    session.save()
    wait_settled(session, qtbot)
    assert (session.mask == predicted).all()

    click(panel.modes["walk"], session, "walk", qtbot)
    assert (session.mask == walked).all()
    click(panel.network, session, "segmentation", qtbot)
    panel.reset.click()
    qtbot.waitUntil(lambda: session.proposal.source == "walk", timeout=20000)
    assert panel.modes["walk"].isChecked()
    wait_settled(session, qtbot)


def test_without_a_segmentation_network_the_choice_is_grey_and_says_how_to_get_one(
    panel: SeedsPanel, session: Session, sample: Path, qtbot: QtBot
) -> None:
    session.open_project(sample)
    wait_settled(session, qtbot)
    assert panel.modes["walk"].isEnabled() and not panel.network.isEnabled()
    assert "--segmentation" in panel.network.toolTip()
    qtbot.mouseClick(panel.network, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.network.height() // 2))
    assert panel.modes["walk"].isChecked() and not session.settings.segmentation


def test_the_choice_outlives_models_without_a_network(sample: Path, qtbot: QtBot) -> None:
    for make_engine, source in ((segmenting_engine, "walk"), (small_engine, "walk"), (segmenting_engine, "")):
        session = Session(make_engine)
        session.open_project(sample)
        wait_settled(session, qtbot)
        assert session.proposal.source == (source or "segmentation")
        session.parameters.change(segmentation=True)
        wait_settled(session, qtbot)
        assert session.close()


def test_specks_vanish_below_the_smallest_part(
    panel: SeedsPanel, session: Session, sample, qtbot: QtBot
) -> None:
    session.open_project(sample)
    wait_settled(session, qtbot)
    panel.smallest.slider.setValue(200)
    wait_settled(session, qtbot)
    assert session.settings.smallest_part == pytest.approx(0.02)
    parts = label(session.document.mask, background=-1, connectivity=1)
    assert np.bincount(parts.ravel())[1:].min() >= 0.02 * parts.size
    panel.reset.click()
    assert session.settings.smallest_part == pytest.approx(0.001)
    assert panel.smallest.value == pytest.approx(0.1)
    wait_settled(session, qtbot)
