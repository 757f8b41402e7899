"""One picture that explains a run: a row an image, a column a stage, and the legend of the classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from trainer.data.classes import BACKGROUND, VOID, ClassList
from trainer.data.palette import colour_of

PANEL_WIDTH = 240
_GAP = 10
_MARGIN = 24
_INK = (31, 35, 40)
_FAINT = (101, 109, 118)
_PAPER = (255, 255, 255)
_OUTLINE = 255
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
# Black body colours, dark to bright, at equal steps of the CAM.
_HEAT = np.array([(8, 6, 40), (92, 18, 110), (190, 54, 84), (246, 130, 34), (252, 254, 180)], np.float32)


@dataclass(frozen=True)
class OverviewRow:
    """One image: its name and what stands in each column.

    `panels` maps column titles to uint8 H×W×3 pictures of one size (see `cam_panel` and `label_panel`);
    `labels` are the class ids to be named in the legend.
    """

    name: str
    panels: Mapping[str, np.ndarray]
    labels: frozenset[int] = frozenset()


def overview_row(
    name: str,
    image: np.ndarray,
    cams: np.ndarray | None = None,
    seeds: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    truth: np.ndarray | None = None,
) -> OverviewRow:
    """Make the usual row image | CAM | seeds | mask | truth; what is None leaves its column empty.

    `image` is uint8 H×W×3, `cams` float K×H×W in [0, 1], the others uint8 H×W label maps.
    """
    photo = shrink_photo(image)
    panels = {"image": photo}
    if cams is not None:
        panels["CAM"] = cam_panel(photo, shrink_maps(cams, photo))
    labelled = {"seeds": seeds, "mask": mask, "truth": truth}
    maps = {title: shrink_maps(labels, photo) for title, labels in labelled.items() if labels is not None}
    panels |= {title: label_panel(photo, labels) for title, labels in maps.items()}
    return OverviewRow(name, panels, ids_in(maps.values()))


def shrink_photo(image: np.ndarray) -> np.ndarray:
    """Reduce a uint8 H×W×3 photo to what a panel can show, so that large ones cost no more."""
    height, width = image.shape[:2]
    if width <= 2 * PANEL_WIDTH:
        return image
    size = (2 * PANEL_WIDTH, max(1, round(2 * PANEL_WIDTH * height / width)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def shrink_maps(maps: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """Take the nearest values of …×H×W `maps` at the pixels of the reduced `photo`."""
    (height, width), (rows, columns) = maps.shape[-2:], photo.shape[:2]
    y = ((np.arange(rows) + 0.5) * height / rows).astype(int)
    x = ((np.arange(columns) + 0.5) * width / columns).astype(int)
    return maps[..., y[:, None], x]


def ids_in(maps: Iterable[np.ndarray]) -> frozenset[int]:
    """Return the ids that occur in any of the uint8 label maps."""
    return frozenset(int(i) for labels in maps for i in np.flatnonzero(np.bincount(labels.ravel())))


def cam_panel(image: np.ndarray, cams: np.ndarray) -> np.ndarray:
    """Paint the strongest CAM of each pixel as heat over the grey photo.

    `image` is uint8 H×W×3, `cams` float K×H×W in [0, 1]; returns uint8 H×W×3.
    """
    heat = cams.max(axis=0) if len(cams) else np.zeros(image.shape[:2], np.float32)
    heat = np.clip(heat, 0.0, 1.0)
    steps = np.linspace(0.0, 1.0, len(_HEAT))
    colour = np.stack([np.interp(heat, steps, _HEAT[:, channel]) for channel in range(3)], axis=-1)
    return _mix(_grey(image), colour, (0.45 + 0.4 * heat)[..., None])


def label_panel(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Paint a label map over the grey photo: classes outlined, background dark, void pale.

    `image` is uint8 H×W×3, `labels` uint8 H×W; returns uint8 H×W×3.
    """
    colours = np.array([colour_of(i) for i in range(256)], np.float32)
    opacity = np.full(256, 0.7, np.float32)
    colours[VOID] = 255
    opacity[[BACKGROUND, VOID]] = 0.6, 0.75
    picture = _mix(_grey(image), colours[labels], opacity[labels][..., None])
    picture[_outline(labels)] = _OUTLINE
    return picture


def draw_overview(rows: Sequence[OverviewRow], classes: ClassList, title: str = "") -> Image.Image:
    """Draw the rows under their column titles, with the legend of the classes that occur.

    Columns stand in the order in which the rows first name them; a row without a column leaves it blank.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row.panels))
    ids = sorted(frozenset().union(*(row.labels for row in rows)))
    entries = [(_legend_name(i, classes), _legend_colour(i)) for i in ids]

    width = 2 * _MARGIN + max(len(columns), 1) * (PANEL_WIDTH + _GAP) - _GAP
    heights = [_panel_height(row) for row in rows]
    legend = _place_legend(entries, width - 2 * _MARGIN)
    top = _MARGIN + (38 if title else 0)
    legend_top = top + 26 + sum(height + 32 for height in heights)
    legend_height = 26 * (legend[-1][1] + 1) if legend else 0

    sheet = Image.new("RGB", (width, legend_top + legend_height + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((_MARGIN, _MARGIN - 4), title, _INK, _font(22))
    for index, column in enumerate(columns):
        draw.text((_MARGIN + index * (PANEL_WIDTH + _GAP), top), column, _INK, _font(16))
    y = top + 26
    for row, height in zip(rows, heights, strict=True):
        for index, column in enumerate(columns):
            if column in row.panels:
                panel = Image.fromarray(row.panels[column]).resize(
                    (PANEL_WIDTH, height), Image.Resampling.LANCZOS
                )
                sheet.paste(panel, (_MARGIN + index * (PANEL_WIDTH + _GAP), y))
        draw.text((_MARGIN, y + height + 5), row.name, _FAINT, _font(13))
        y += height + 32
    for (name, colour), (x, line) in zip(entries, legend, strict=True):
        left, upper = _MARGIN + x, legend_top + 26 * line
        draw.rounded_rectangle((left, upper, left + 16, upper + 16), 3, colour, _FAINT)
        draw.text((left + 24, upper), name, _INK, _font(14))
    return sheet


def _mix(base: np.ndarray, colour: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    return (base + (colour - base) * opacity).round().astype(np.uint8)


def _grey(image: np.ndarray) -> np.ndarray:
    return np.repeat((image @ _LUMA)[..., None], 3, axis=-1)


def _outline(labels: np.ndarray) -> np.ndarray:
    """Mark the pixels of a class that touch another label, as wide as one pixel of the drawn panel."""
    reach = max(1, round(labels.shape[1] / PANEL_WIDTH))
    edge = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        ahead, behind = [slice(None)] * 2, [slice(None)] * 2
        ahead[axis], behind[axis] = slice(reach, None), slice(None, -reach)
        differs = labels[tuple(ahead)] != labels[tuple(behind)]
        edge[tuple(ahead)] |= differs
        edge[tuple(behind)] |= differs
    return edge & (labels != BACKGROUND) & (labels != VOID)


def _panel_height(row: OverviewRow) -> int:
    height, width = next(iter(row.panels.values())).shape[:2]
    return max(1, round(PANEL_WIDTH * height / width))


def _legend_name(label: int, classes: ClassList) -> str:
    return {BACKGROUND: "background", VOID: "undecided"}.get(label) or classes.name_of(label)


def _legend_colour(label: int) -> tuple[int, int, int]:
    return (255, 255, 255) if label == VOID else colour_of(label)


def _place_legend(entries: Sequence[tuple[str, object]], width: int) -> list[tuple[int, int]]:
    """Break the legend into lines no wider than `width` pixels; returns (x, line) of each entry."""
    places: list[tuple[int, int]] = []
    x = line = 0
    for name, _ in entries:
        length = 24 + round(_font(14).getlength(name)) + 22
        if x and x + length > width:
            x, line = 0, line + 1
        places.append((x, line))
        x += length
    return places


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow's own wheels come with FreeType"
    return font
