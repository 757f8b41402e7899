"""What only menus offer."""

from annotator.settings import DeskSettings
from annotator.window import Window


def test_colours_change_at_once(window: Window) -> None:
    window.menus.colours["light"].trigger()
    light = window.palette().window().color().lightness()
    window.menus.colours["dark"].trigger()
    assert window.palette().window().color().lightness() < 100 < light
    assert DeskSettings().theme == "dark"
