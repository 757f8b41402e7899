"""The overview picture: columns, legend and colours that a reader relies on."""

import numpy as np
import pytest

from trainer.data.classes import VOID, ClassList
from trainer.data.palette import colour_of
from trainer.pipeline.overview import PANEL_WIDTH, cam_panel, draw_overview, label_panel, overview_row

CLASSES = ClassList(("cat", "person"))


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


def labels_with(value: int, shape: tuple[int, int] = (60, 90)) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    height, width = shape
    labels[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = value
    return labels


def test_columns_stand_in_the_order_of_the_method(photo: np.ndarray) -> None:
    labels = labels_with(1)
    row = overview_row("a", photo, np.zeros((1, 60, 90), np.float32), labels, labels, labels)
    assert list(row.panels) == ["image", "CAM", "seeds", "mask", "truth"]
    assert all(panel.shape == (60, 90, 3) for panel in row.panels.values())
    assert row.labels == {0, 1}


def test_without_truth_there_is_no_truth_column(photo: np.ndarray) -> None:
    row = overview_row("a", photo, mask=labels_with(2))
    assert list(row.panels) == ["image", "mask"]
    narrow = draw_overview([row], CLASSES)
    wide = draw_overview([overview_row("a", photo, mask=labels_with(2), truth=labels_with(2))], CLASSES)
    assert wide.width - narrow.width == pytest.approx(PANEL_WIDTH, abs=20)


def test_every_image_gets_its_row(photo: np.ndarray) -> None:
    row = overview_row("a", photo, mask=labels_with(1))
    one, three = draw_overview([row], CLASSES), draw_overview([row] * 3, CLASSES)
    assert three.height - one.height >= 2 * round(PANEL_WIDTH * 60 / 90)


def test_the_legend_shows_the_classes_that_occur_in_their_colours(photo: np.ndarray) -> None:
    labels = labels_with(2)
    labels[:5] = VOID
    sheet = np.asarray(draw_overview([overview_row("a", photo * 0, mask=labels)], CLASSES))
    legend = sheet[-50:].reshape(-1, 3)

    def shown(colour: tuple[int, int, int]) -> bool:
        return bool((legend == colour).all(axis=1).sum() > 100)

    assert shown(colour_of(2))
    assert not shown(colour_of(1))


def test_an_empty_run_still_gives_a_picture() -> None:
    assert draw_overview([], CLASSES, "Nothing").size > (0, 0)


def test_heat_rises_with_the_cam(photo: np.ndarray) -> None:
    cams = np.linspace(0, 1, 90, dtype=np.float32)[None, None].repeat(60, axis=1)
    brightness = cam_panel(np.full_like(photo, 128), cams).mean(axis=(0, 2))
    assert (np.diff(brightness) > -1).all()
    assert brightness[-1] > brightness[0] + 80


def test_an_image_without_tags_has_a_cold_cam(photo: np.ndarray) -> None:
    nothing = cam_panel(photo, np.zeros((0, 60, 90), np.float32))
    assert np.array_equal(nothing, cam_panel(photo, np.zeros((1, 60, 90), np.float32)))


def test_classes_are_told_from_background_and_undecided(photo: np.ndarray) -> None:
    labels = labels_with(1)
    labels[50:] = VOID
    panel = label_panel(np.full_like(photo, 128), labels).astype(int)
    background, inside, outline, void = panel[5, 5], panel[30, 45], panel[20, 45], panel[58, 45]
    assert inside[0] > inside[1] + 20  # cat is dark red
    assert (outline == 255).all()
    assert void.min() > 200
    assert background.max() < 80


def test_a_large_photo_costs_no_more_than_a_panel() -> None:
    photo = np.zeros((2000, 3000, 3), np.uint8)
    row = overview_row(
        "large", photo, np.zeros((2, 2000, 3000), np.float32), mask=labels_with(1, (2000, 3000))
    )
    assert {panel.shape for panel in row.panels.values()} == {(320, 480, 3)}
