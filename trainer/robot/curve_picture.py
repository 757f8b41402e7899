"""A picture of what corrections do for the photos that nobody has corrected."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from trainer.robot.curve import Point

WIDTH, HEIGHT = 460, 320
_MARGIN = 56
_INK, _FAINT, _PAPER, _GRID = (31, 35, 40), (101, 109, 118), (255, 255, 255), (225, 228, 232)
_ON, _OFF = (9, 105, 218), (140, 149, 159)
_PANELS = (
    ("mIoU of photos not corrected, %", "miou_untouched", 100),
    ("strokes to an IoU of 0.85", "strokes_85", 1),
)


def draw_curve(on: Sequence[Point], off: Sequence[Point]) -> Image.Image:
    """Return a picture: quality and strokes by the number of corrected photos, trainer on (blue) and off."""
    picture = Image.new("RGB", (WIDTH * len(_PANELS), HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    for index, (title, name, factor) in enumerate(_PANELS):
        lines = [
            (colour, [(float(point.corrected), factor * getattr(point, name)) for point in points])
            for colour, points in ((_OFF, off), (_ON, on))
        ]
        _draw_panel(draw, index * WIDTH, title, lines)
    return picture


def _draw_panel(
    draw: ImageDraw.ImageDraw,
    left: int,
    title: str,
    lines: Sequence[tuple[tuple[int, int, int], Sequence[tuple[float, float]]]],
) -> None:
    values = [y for _, points in lines for _, y in points]
    most = max(1.0, max(x for _, points in lines for x, _ in points))
    low, high = min(values), max(values)
    room = 0.1 * (high - low) or 1.0
    low, high = low - room, high + room
    right, bottom = left + WIDTH - 24, HEIGHT - _MARGIN
    font = ImageFont.load_default(14)

    def at(x: float, y: float) -> tuple[float, float]:
        across = left + _MARGIN + (right - left - _MARGIN) * x / most
        return across, bottom - (bottom - _MARGIN) * (y - low) / (high - low)

    draw.text((left + _MARGIN, 20), title, _INK, ImageFont.load_default(16))
    for step in range(5):
        y = low + (high - low) * step / 4
        draw.line([at(0, y), at(most, y)], _GRID)
        draw.text((left + _MARGIN - 8, at(0, y)[1]), f"{y:.1f}", _FAINT, font, anchor="rm")
    for x, _ in lines[0][1]:
        draw.text((at(x, low)[0], bottom + 8), f"{x:.0f}", _FAINT, font, anchor="mt")
    draw.text(((left + _MARGIN + right) / 2, HEIGHT - 24), "photos corrected", _FAINT, font, anchor="mm")
    for (colour, points), name in zip(lines, ("trainer off", "trainer on"), strict=True):
        places = [at(x, y) for x, y in points]
        draw.line(places, colour, 2)
        for x, y in places:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour)
        draw.text((places[-1][0], places[-1][1] - 8), name, colour, font, anchor="rb")
