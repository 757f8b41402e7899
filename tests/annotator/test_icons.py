"""Icons: characters of a font, drawn at any size in the colours of the theme."""

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QImage
from pytestqt.qtbot import QtBot

from annotator.icons import icon

COLOURS = {QIcon.Mode.Normal: "#ff0000", QIcon.Mode.Disabled: "#0000ff"}


def pixels(picture: QIcon, side: int, ratio: float = 1, mode: QIcon.Mode = QIcon.Mode.Normal) -> np.ndarray:
    """Red, green, blue and alpha of an icon."""
    image = picture.pixmap(QSize(side, side), ratio, mode).toImage()
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()].copy()


def test_an_icon_is_drawn_in_the_colour_of_its_mode(qtbot: QtBot) -> None:
    play = icon("mdi6.play", COLOURS)
    for mode, colour in ((QIcon.Mode.Normal, (255, 0, 0)), (QIcon.Mode.Disabled, (0, 0, 255))):
        drawn = pixels(play, 32, mode=mode)
        assert (drawn[drawn[..., 3] == 255][:, :3] == colour).all()
        assert 0.1 < (drawn[..., 3] > 128).mean() < 0.9
    assert (pixels(play, 32, mode=QIcon.Mode.Active) == pixels(play, 32)).all()


def test_an_icon_is_as_sharp_as_the_screen(qtbot: QtBot) -> None:
    once, twice = (pixels(icon("mdi6.brush", COLOURS), 16, ratio) for ratio in (1, 2))
    assert once.shape[0] == 16 and twice.shape[0] == 32
    assert (twice != np.repeat(np.repeat(once, 2, 0), 2, 1)).any()


def test_a_copy_of_an_icon_draws_the_same(qtbot: QtBot) -> None:
    first = icon("mdi6.eraser", COLOURS)
    copy = QIcon(first)
    before = pixels(first, 24)
    del first
    assert (pixels(copy, 24) == before).all()


def test_a_name_that_the_font_lacks_is_an_error() -> None:
    with pytest.raises(KeyError):
        icon("mdi6.no-such-icon", COLOURS)
