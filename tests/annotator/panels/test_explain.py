"""The question marks beside terms of the method: a few words, and the picture on the open photo."""

import pytest
from desk import says
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.panels.explain import ExplainButton, ExplainDialog
from annotator.shell.window import Window


@pytest.mark.parametrize(
    ("panel", "term", "layer"),
    [
        ("layers", "activation map", "cam"),
        ("seeds", "Seed cues", "seeds"),
        ("seeds", "α", "seeds"),
        ("seeds", "AffinityNet", "propagated"),
    ],
)
def test_a_newcomer_is_told_what_a_term_means_with_its_picture(
    active: Window, panel: str, term: str, layer: str, qtbot: QtBot
) -> None:
    marks = active.docks[panel].widget().findChildren(ExplainButton)
    mark = next(mark for mark in marks if term in mark.accessibleName())
    qtbot.mouseClick(mark, Qt.MouseButton.LeftButton)
    (dialog,) = active.findChildren(ExplainDialog)
    assert term in dialog.windowTitle() and says(dialog, "pixel") | says(dialog, "Bright") | says(dialog, "α")
    assert dialog.picture.isVisible() and dialog.picture.layer_visible(layer)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not active.findChildren(ExplainDialog))
