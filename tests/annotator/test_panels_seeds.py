"""The Seeds panel: sliders that move the cues, defaults, the rule of spreading."""

import pytest
from desk import wait_settled
from pytestqt.qtbot import QtBot

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
    panel.mean.click()
    assert session.settings.mode == "mean"
    assert session.project.setting("method") == {"mode": "mean"}
    wait_settled(session, qtbot)
