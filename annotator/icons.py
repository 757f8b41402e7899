"""Icons drawn from the Material Design font that qtawesome ships.

Only its files are used: its code makes Qt build every one of its classes, which the window would wait for.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

PREFIX = "mdi6."
_SHARE = 0.875
"""Height of a character as a part of the icon's: the font leaves no room around it."""


def icon(name: str, colours: Mapping[QIcon.Mode, str]) -> QIcon:
    """Return an icon by its name in qtawesome's font "mdi6", such as "mdi6.play".

    Args:
        name: the name with its prefix.
        colours: what Qt takes for a colour, for each mode; others look like the normal one.

    Raises KeyError for a name that the font does not have.
    """
    return QIcon(_Character(chr(int(_characters()[name.removeprefix(PREFIX)], 16)), colours))


class _Character(QIconEngine):
    """Draws one character of the font at any size."""

    def __init__(self, character: str, colours: Mapping[QIcon.Mode, str]) -> None:
        super().__init__()
        self._character, self._colours = character, colours

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        font = QFont(_family())
        font.setPixelSize(max(1, round(_SHARE * rect.height())))
        painter.save()
        painter.setFont(font)
        painter.setPen(QColor(self._colours.get(mode, self._colours[QIcon.Mode.Normal])))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._character)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _Character(self._character, self._colours)


@cache
def _family() -> str:
    """The font's family, which Qt knows from now on."""
    return QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(_file("*.ttf"))))[0]


@cache
def _characters() -> dict[str, str]:
    """Hexadecimal code of each character by its name."""
    return json.loads(_file("*charmap*.json").read_text(encoding="utf-8"))


def _file(pattern: str) -> Path:
    """A file of the font, found without importing qtawesome."""
    spec = find_spec("qtawesome")
    assert spec is not None and spec.origin is not None
    return next(Path(spec.origin).with_name("fonts").glob("materialdesignicons6-" + pattern))
