"""Colours of the layers, and the panel that switches them."""

from pathlib import Path

import numpy as np
import pytest
from canvas_desk import CAT, DOG, at, open_canvas, open_session, propose
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from skimage.color import lab2rgb, rgb2lab

from annotator.actions import Actions
from annotator.canvas.colours import heat_colours, heat_lut, mask_luts
from annotator.canvas.compose import Hatch, Raster, label_pixels, score_pixels
from annotator.canvas.view import CanvasView
from annotator.class_colours import class_colours
from annotator.lab import lab_to_srgb
from annotator.panels.layers import LayersPanel
from annotator.session import Session
from annotator.session.pyramid import halved, pyramid
from annotator.settings import DeskSettings
from trainer.data.journal import PAINTED
from trainer.data.project import Target


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path, rng: np.random.Generator) -> Session:
    return open_session(qtbot, tmp_path, rng.integers(0, 255, (60, 80, 3), np.uint8))


@pytest.fixture
def view(qtbot: QtBot, session: Session) -> CanvasView:
    return open_canvas(qtbot, session, (400, 300))


def raster(shape: tuple[int, int], scale: float, margin: int = 0) -> Raster:
    height, width = round(shape[0] * scale), round(shape[1] * scale)
    return Raster.over(0, 0, width, height, (0.0, 0.0), (scale, scale), shape, margin)


def test_equal_steps_of_score_are_equal_steps_of_lightness() -> None:
    lightness = rgb2lab(heat_colours()[None] / 255)[0, :, 0]
    assert np.abs(np.diff(lightness[::16]) - np.diff(lightness[::16]).mean()).max() < 1.0
    assert (np.diff(lightness[::4]) > 0).all()


def test_low_scores_let_the_photo_through() -> None:
    alpha = heat_lut(0.75) >> 24
    assert alpha[0] == 0 and alpha[255] == round(255 * 0.75)
    assert (np.diff(alpha.astype(int)) >= 0).all()


def test_classes_that_are_near_in_the_list_are_far_apart_in_colour() -> None:
    lab = rgb2lab(class_colours()[None, 1:21] / 255)[0]
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    assert distance[~np.eye(20, dtype=bool)].min() > 15
    assert (lab[:, 0] > 45).all()


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0, 2.5])
def test_each_screen_pixel_shows_the_label_below_its_centre(scale: float, rng: np.random.Generator) -> None:
    labels = rng.integers(0, 5, (20, 30)).astype(np.uint8)
    lut = np.arange(256, dtype=np.uint32)
    shown = label_pixels(raster(labels.shape, scale), labels, lut)
    assert shown is not None
    for i in range(shown.shape[0]):
        for j in range(shown.shape[1]):
            assert shown[i, j] == labels[int((i + 0.5) / scale), int((j + 0.5) / scale)]


def test_outlines_run_on_both_sides_of_a_boundary_and_nowhere_else() -> None:
    labels = np.zeros((12, 12), np.uint8)
    labels[:, 6:] = CAT
    fill, line = mask_luts(0.4)
    shown = label_pixels(raster(labels.shape, 4, margin=2), labels, fill, line)
    assert shown is not None
    assert (shown[:, :22] == fill[0]).all() and (shown[:, 26:] == fill[CAT]).all()
    assert (shown[:, 22:24] == line[0]).all() and (shown[:, 24:26] == line[CAT]).all()


def test_hatching_stays_with_the_image_when_it_is_scrolled() -> None:
    labels = np.zeros((10, 10), np.uint8)
    hatch = Hatch(0, np.uint32(0xFFFFFFFF), 8)
    lut = np.zeros(256, np.uint32)
    whole = label_pixels(Raster.over(0, 0, 40, 40, (0, 0), (4, 4), (10, 10)), labels, lut, None, [hatch])
    part = label_pixels(Raster.over(3, 7, 20, 20, (-5, 2), (4, 4), (10, 10)), labels, lut, None, [hatch])
    assert part is not None and whole is not None
    assert (part == whole[5:25, 8:28]).all()
    assert 0 < (whole != 0).mean() < 0.5


def test_scores_beyond_the_range_take_the_ends_colours() -> None:
    lut = heat_lut(1.0)
    shown = score_pixels(raster((1, 3), 1), np.array([[-1.0, 0.5, 2.0]], np.float32), lut)
    assert shown.tolist() == [[lut[0], lut[128], lut[255]]]


def test_a_pyramid_halves_by_averaging(rng: np.random.Generator) -> None:
    image = rng.integers(0, 255, (9, 12, 3), np.uint8)
    expected = image[:8].reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved(image) - expected).max() <= 0.5
    assert [level.shape[1] for level in pyramid(np.zeros((800, 1100, 3), np.uint8))] == [1100, 550, 275]


def test_the_panel_switches_layers_and_follows_the_canvas(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    panel = LayersPanel(view, Actions(DeskSettings()))
    qtbot.addWidget(panel)
    assert panel.switches["mask"].isChecked() and not panel.switches["cam"].isChecked()
    panel.switches["cam"].click()
    assert view.layer_visible("cam")
    view.set_layer_visible("cam", False)
    assert not panel.switches["cam"].isChecked() and not panel.sliders["cam"].isEnabled()


def test_opacity_fades_the_fill_and_keeps_the_outline(
    qtbot: QtBot, view: CanvasView, session: Session
) -> None:
    propose(qtbot, session)
    panel = LayersPanel(view, Actions(DeskSettings()))
    qtbot.addWidget(panel)
    bare_inside, bare_edge = differences(view)
    panel.sliders["mask"].setValue(0)
    faded_inside, faded_edge = differences(view)
    assert bare_inside and not faded_inside
    assert bare_edge and faded_edge


def differences(view: CanvasView) -> tuple[bool, bool]:
    """Whether the mask is seen inside the dog, and at its edge."""
    mask = view.session.mask
    rows, columns = np.nonzero(mask == DOG)
    inside = screen(view, rows.max() - 5, columns.max() - 5)
    edge = screen(view, rows.min(), columns.max() - 5)
    view.set_layer_visible("mask", True)
    with_mask = view.viewport().grab().toImage()
    view.set_layer_visible("mask", False)
    without = view.viewport().grab().toImage()
    view.set_layer_visible("mask", True)

    def differs(x: int, y: int) -> bool:
        return any(with_mask.pixel(x, y + d) != without.pixel(x, y + d) for d in (-2, -1, 0, 1, 2))

    return with_mask.pixel(*inside) != without.pixel(*inside), differs(*edge)


def screen(view: CanvasView, row: int, column: int) -> tuple[int, int]:
    """The screen pixel at an image pixel's upper edge."""
    point = at(view, column + 0.5, row) * view.devicePixelRatioF()
    return point.x(), point.y()


def test_the_panel_names_the_key_that_peeks(qtbot: QtBot, view: CanvasView) -> None:
    actions = Actions(DeskSettings())
    panel = LayersPanel(view, actions)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.foot.text() == "Hold H to see the bare photo."
    actions.set_key("peek", "Space")
    assert panel.foot.text() == "Hold Space to see the bare photo."
    actions.set_key("peek", "")
    assert not panel.foot.isVisible()


def lightness(argb: np.ndarray, grey: int) -> np.ndarray:
    """CIELAB L* of premultiplied colours over a grey."""
    alpha = (argb >> 24)[:, None] / 255
    rgb = np.stack([argb >> 16 & 255, argb >> 8 & 255, argb & 255], axis=1) + grey * (1 - alpha)
    return rgb2lab(rgb / 255)[:, 0]


@pytest.mark.parametrize("grey", range(0, 256, 15))
def test_an_outline_of_two_tones_is_seen_on_objects_of_any_brightness(grey: int) -> None:
    _, line = mask_luts(0.0)
    photo = lightness(np.zeros(1, np.uint32), grey)
    inside, outside = lightness(line[1:21], grey), lightness(line[:1], grey)
    assert (np.maximum(abs(inside - photo), abs(outside - photo)) > 25).all()


@pytest.mark.parametrize("target", PAINTED)
def test_what_a_person_painted_is_told_from_what_was_computed(
    qtbot: QtBot, session: Session, target: Target
) -> None:
    view = open_canvas(qtbot, session)
    propose(qtbot, session)  # the left half of the mask is a cat
    session.target = target

    def shades() -> int:
        QApplication.processEvents()
        area = QRect(at(view, 14, 24), at(view, 34, 44))
        picture = view.viewport().grab(area).toImage()
        return len({picture.pixel(x, 40) >> 20 for x in range(8, picture.width() - 8)})

    view.set_layer_visible("image", False)
    computed = shades()
    session.strokes.commit((15, 5, 55, 40), np.full((40, 35), CAT, np.uint8), "brush")
    assert computed == 1 and shades() > 1
    session.save()
    qtbot.waitUntil(lambda: not session.busy, timeout=20000)


def test_lab_becomes_srgb_as_scikit_image_has_it(rng: np.random.Generator) -> None:
    lab = np.stack([rng.uniform(40, 95, 500), *rng.uniform(-60, 60, (2, 500))], axis=1)
    theirs = lab2rgb(lab[None])[0].clip(0, 1)
    np.testing.assert_allclose(lab_to_srgb(lab), theirs, atol=1e-3)
