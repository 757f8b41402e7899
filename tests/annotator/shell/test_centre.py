"""The middle of the window: which view is seen."""

from canvas_desk import at, paint
from desk import press, wait_settled
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.shell.window import Window
from trainer.data.project import Target

K = Qt.Key


def test_inspect_view_and_back(active: Window, qtbot: QtBot) -> None:
    press(active, K.Key_W, qtbot)
    assert active.centre.currentWidget() is active.centre.inspect_view and not active.layers.isEnabled()
    active.actions_table["inspect"].setChecked(False)
    assert active.centre.currentWidget() is active.canvas and active.layers.isEnabled()


def test_the_keys_for_actual_size_and_whole_image(active: Window, qtbot: QtBot) -> None:
    fitted = active.canvas.zoom_factor
    for inspecting in (False, True):
        active.actions_table["inspect"].setChecked(inspecting)
        view = active.centre.currentWidget()
        qtbot.keyClick(active, K.Key_1, Qt.KeyboardModifier.ControlModifier)
        assert view.zoom_factor == 1
        qtbot.keyClick(active, K.Key_0, Qt.KeyboardModifier.ControlModifier)
        assert view.zoom_factor != 1
    active.actions_table["inspect"].setChecked(False)
    assert active.canvas.zoom_factor == fitted


def test_the_inspect_view_is_painted_on_and_says_where(active: Window, qtbot: QtBot) -> None:
    session, panes = active.session, active.centre.inspect_view.panes
    press(active, K.Key_W, qtbot)
    for target, name in ((Target.SEEDS, "seeds"), (Target.MASK, "mask"), (Target.SEEDS, "image")):
        session.target = target
        view, layer = panes[name].view, session.document.painted(target)
        before = layer.copy()
        paint(view, at(view, 30, 30), at(view, 50, 45))
        assert (layer != before).any() == (name != "image")
    assert "can be painted on" in panes["image"].view.viewport().toolTip()
    assert not panes["seeds"].view.viewport().toolTip()
    wait_settled(session, qtbot)


def test_in_the_inspect_view_the_layers_are_left_alone(active: Window, qtbot: QtBot) -> None:
    press(active, K.Key_W, qtbot)
    qtbot.keyClick(active, K.Key_2, Qt.KeyboardModifier.AltModifier)
    assert not active.canvas.layer_visible("cam") and not active.actions_table["show_cam"].isEnabled()
    assert active.layers.foot.text() == "Each pane shows its own layers."
    press(active, K.Key_W, qtbot, active)
    qtbot.keyClick(active, K.Key_2, Qt.KeyboardModifier.AltModifier)
    assert active.canvas.layer_visible("cam") and active.layers.foot.text().startswith("Hold H")
