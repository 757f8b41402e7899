"""What only menus offer."""

from annotator.settings import DeskSettings
from annotator.shell.window import Window


def test_colours_change_at_once(window: Window) -> None:
    window.menus.colours["light"].trigger()
    light = window.palette().window().color().lightness()
    window.menus.colours["dark"].trigger()
    assert window.palette().window().color().lightness() < 100 < light
    assert DeskSettings().theme == "dark"


def test_panels_are_put_away_and_brought_back(window: Window) -> None:
    for dock in (window.docks["layers"], window.docks["trainer"]):
        action = dock.toggleViewAction()
        action.trigger()
        assert dock.isHidden() and not action.isChecked()
        action.trigger()
        assert not dock.isHidden() and action.isChecked()


def test_the_menu_switches_layers_and_shows_which_are_on(window: Window) -> None:
    action = window.actions_table["show_cam"]
    action.trigger()
    assert window.canvas.layer_visible("cam") and window.layers.switches["cam"].isChecked()
    window.layers.switches["cam"].click()
    assert not window.canvas.layer_visible("cam") and not action.isChecked()
    assert window.actions_table["show_mask"].isChecked()
