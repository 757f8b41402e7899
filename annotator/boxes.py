"""Boxes of pixels: half open (y0, x0, y1, x1), as numpy windows and as Qt rectangles."""

from PySide6.QtCore import QRect

Box = tuple[int, int, int, int]  # y0, x0, y1, x1, half open


def slices(box: Box) -> tuple[slice, slice]:
    """The numpy window of a box."""
    y0, x0, y1, x1 = box
    return slice(y0, y1), slice(x0, x1)


def rect_of(box: Box) -> QRect:
    """The rectangle of a box, in image pixels."""
    y0, x0, y1, x1 = box
    return QRect(x0, y0, x1 - x0, y1 - y0)
