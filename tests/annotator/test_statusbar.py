"""The status bar: what it says of the pixel under the mouse and of the disk."""

from PySide6.QtCore import QPointF

from annotator.window import Window


def test_status_bar_names_what_is_under_the_mouse(window: Window) -> None:
    session = window.session
    window.status.show_cursor(QPointF(3.5, 4.5))
    label = int(session.mask[4, 3])
    name = session.classes.name_of(label) if label else "background"
    assert name in window.status._cursor.text()
    window.status.show_cursor(None)
    assert window.status._cursor.text() == ""
    assert window.status.saved.text() == "Saved"
