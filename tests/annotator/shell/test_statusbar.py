"""The status bar: what it says of the pixel under the mouse and of the disk."""

from desk import says, stroke, texts
from PySide6.QtCore import QPointF

from annotator.shell.window import Window
from trainer.data.project import Target


def test_status_bar_names_what_is_under_the_mouse(window: Window) -> None:
    session = window.session
    window.status.show_cursor(QPointF(3.5, 4.5))
    label = int(session.mask[4, 3])
    name = session.classes.name_of(label) if label else "background"
    assert f"3, 4   {name}" in texts(window.status)
    window.status.show_cursor(None)
    assert not says(window.status, "3, 4")
    assert window.status.saved.text() == "Saved"


def test_status_bar_follows_the_mask_under_a_mouse_that_rests(window: Window) -> None:
    session = window.session
    session.target = Target.MASK
    window.status.show_cursor(QPointF(3.5, 4.5))
    for name in ("dog", "sheep"):
        stroke(session, session.classes.id_of(name), (0, 0, 9, 9))
        assert says(window.status, name)


def test_a_long_name_does_not_widen_the_window(window: Window) -> None:
    before = window.status.minimumSizeHint().width()
    window.session.set_busy("load", f"Opening {300 * 'x'}…")
    assert window.status.minimumSizeHint().width() == before
    window.session.set_busy("load", None)
