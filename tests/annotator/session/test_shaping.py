"""The area of one class: holes filled, smoothed, grown and shrunk; copies to the next image."""

from pathlib import Path

import numpy as np
import pytest
from desk import go_to, stroke, wait_settled
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from annotator.session.shaping import holes_filled, moved_outline, smoothed
from annotator.shell.window import Window
from trainer.data.project import Status, Target

K = Qt.Key
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
CAT, DOG = 8, 12


@pytest.fixture
def drawn(active: Window, qtbot: QtBot) -> Window:
    """The cat alone on the mask: a square with a hole, and a dog in another hole."""
    session = active.session
    go_to(session, "chelsea", qtbot)
    session.target, session.class_id = Target.MASK, CAT
    mask = np.zeros(session.mask.shape, np.uint8)
    mask[20:80, 20:100] = CAT
    mask[30:35, 30:35] = 0
    mask[50:60, 50:60] = DOG
    stroke(session, 0, (0, 0, *mask.shape))
    session.strokes.commit((0, 0, *mask.shape), mask, "brush")
    session.save()
    assert (session.mask == mask).all()
    return active


def area(window: Window, value: int = CAT) -> int:
    return int((window.session.mask == value).sum())


def test_holes_are_filled_and_other_objects_left(drawn: Window, qtbot: QtBot) -> None:
    before = area(drawn)
    qtbot.keyClick(drawn.canvas, K.Key_F, SHIFT)
    qtbot.waitUntil(lambda: area(drawn) == before + 25)
    assert area(drawn, DOG) == 100
    drawn.session.save()
    qtbot.keyClick(drawn.canvas, K.Key_Z, CONTROL)
    qtbot.waitUntil(lambda: area(drawn) == before)


def test_a_pixel_more_and_a_pixel_less(drawn: Window, qtbot: QtBot) -> None:
    mask = drawn.session.mask.copy()
    qtbot.keyClick(drawn.canvas, K.Key_BracketRight, CONTROL)
    qtbot.waitUntil(lambda: drawn.session.mask[19, 50] == CAT)
    assert (drawn.session.mask[19:81, 30] != 0).all() and drawn.session.mask[30, 30] == CAT
    assert drawn.session.mask[19, 19] == 0  # side by side, not corner to corner
    qtbot.keyClick(drawn.canvas, K.Key_BracketLeft, CONTROL)
    qtbot.waitUntil(lambda: drawn.session.mask[19, 50] == 0)
    kept = mask == CAT
    kept[49:61, 49:61] = False  # what the dog lost to the cat goes to neither for sure
    assert (drawn.session.mask[kept] == CAT).all()


def test_a_key_pressed_twice_in_a_row_grows_by_two_pixels(drawn: Window, qtbot: QtBot) -> None:
    for _ in range(2):
        qtbot.keyClick(drawn.canvas, K.Key_BracketRight, CONTROL)
    qtbot.waitUntil(lambda: drawn.session.mask[18, 50] == CAT)
    assert drawn.session.mask[17, 50] == 0


def test_what_was_painted_meanwhile_is_kept(drawn: Window, qtbot: QtBot) -> None:
    session = drawn.session
    qtbot.keyClick(drawn.canvas, K.Key_BracketRight, CONTROL)
    stroke(session, DOG, (15, 40, 25, 50))  # before the answer
    qtbot.waitUntil(lambda: session.mask[19, 60] == CAT)
    assert (session.mask[16:18, 42:48] == DOG).all() and session.mask[22, 45] == DOG


def test_what_a_class_leaves_goes_to_its_neighbour() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[:, :10], mask[:, 10:20], mask[:, 20:] = CAT, DOG, 255
    box, labels = moved_outline(mask, DOG, -1)
    shrunk = mask.copy()
    shrunk[box[0] : box[2], box[1] : box[3]] = labels
    assert (shrunk[:, 10] == CAT).all() and (shrunk[:, 19] == 255).all() and (shrunk[:, 11:19] == DOG).all()
    assert moved_outline(mask, 3, 1) is None


def test_smoothing_takes_spikes_away_and_keeps_straight_sides() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = CAT
    mask[30, 40:50] = CAT  # a spike
    mask[25, 36:40] = 0  # a notch
    box, labels = smoothed(mask, CAT, 2.0)
    smooth = mask.copy()
    smooth[box[0] : box[2], box[1] : box[3]] = labels
    assert (smooth[30, 43:] == 0).all() and (smooth[25, 30:39] == CAT).all()
    assert (smooth[26:34, 20] == CAT).all() and (smooth[26:34, 19] == 0).all()
    assert holes_filled(np.zeros((5, 5), np.uint8), CAT) is None


def test_without_a_class_a_word_says_what_to_do(drawn: Window, qtbot: QtBot) -> None:
    drawn.session.class_id = 0
    with qtbot.waitSignal(drawn.session.message) as told:
        qtbot.keyClick(drawn.canvas, K.Key_S, SHIFT)
    assert "Choose a class first" in told.args[1]
    drawn.session.class_id = 3
    with qtbot.waitSignal(drawn.session.message) as told:
        qtbot.keyClick(drawn.canvas, K.Key_S, SHIFT)
    assert drawn.session.classes.name_of(3) in told.args[1]


@pytest.fixture
def series(active: Window, tmp_path: Path, qtbot: QtBot) -> Window:
    """Two photos of one size and a smaller one; on the first a cat, with a stroke on the seeds."""
    folder = tmp_path / "series"
    folder.mkdir()
    for name, shade, size in (("a", 60, (90, 70)), ("b", 120, (90, 70)), ("c", 90, (31, 17))):
        Image.new("RGB", size, (shade, shade, shade)).save(folder / f"{name}.png")
    (folder / "tags.csv").write_text("image,tags\na,cat\nc,cat\n")
    with qtbot.waitSignal(active.session.image_changed, timeout=20_000):
        active.project_actions.open_path(folder)
    session = active.session
    wait_settled(session, qtbot)
    session.target = Target.MASK
    stroke(session, session.classes.id_of("cat"), (10, 10, 30, 30))
    session.target = Target.SEEDS
    stroke(session, session.classes.id_of("cat"), (40, 40, 45, 45))
    wait_settled(session, qtbot)
    return active


def test_a_mask_goes_to_the_next_image_and_undo_takes_it_back(series: Window, qtbot: QtBot) -> None:
    session = series.session
    objects, cat = session.mask.copy(), session.classes.id_of("cat")
    with qtbot.waitSignal(session.image_changed, timeout=20_000) as opened:
        qtbot.keyClick(series.canvas, K.Key_V, SHIFT)
    assert opened.args == ["b"] and session.record.tags == ("cat",)
    assert (session.mask[objects > 0] == objects[objects > 0]).all()
    assert (session.corrections[40:45, 40:45] == cat).all()
    assert session.records["b"].status is Status.CORRECTED
    wait_settled(session, qtbot)
    copied = session.mask_edits.copy(), session.corrections.copy()
    session.strokes.undo()  # mask and strokes are one step
    qtbot.waitUntil(lambda: (session.mask_edits == 255).all() and (session.corrections == 255).all())
    wait_settled(session, qtbot)
    assert not session.project.can_undo("b")
    session.strokes.redo()
    wait_settled(session, qtbot)
    np.testing.assert_array_equal(session.mask_edits, copied[0])
    np.testing.assert_array_equal(session.corrections, copied[1])
    assert not session.project.can_redo("b")


def test_strokes_alone_go_to_the_next_image(series: Window, qtbot: QtBot) -> None:
    session = series.session
    with qtbot.waitSignal(session.image_changed, timeout=20_000):
        qtbot.keyClick(series.canvas, K.Key_V, CONTROL | SHIFT)
    edited, seeded = np.argwhere(session.mask_edits != 255), np.argwhere(session.corrections != 255)
    assert (edited.min(0) == 10).all() and (edited.max(0) == 29).all()
    assert (seeded.min(0) == 40).all() and (seeded.max(0) == 44).all()
    wait_settled(session, qtbot)


def test_a_photo_of_another_size_gets_no_copy(series: Window, qtbot: QtBot) -> None:
    session = series.session
    go_to(session, "b", qtbot)
    session.target = Target.MASK
    stroke(session, 8, (0, 0, 5, 5))
    with qtbot.waitSignal(session.message) as told:
        qtbot.keyClick(series.canvas, K.Key_V, CONTROL | SHIFT)
    assert told.args[1].startswith("c has another size (31×17")
    assert session.image_id == "b" and session.records["c"].untouched


def test_the_last_image_has_nowhere_to_copy_to(active: Window, qtbot: QtBot) -> None:
    go_to(active.session, active.session.order[-1], qtbot)
    with qtbot.waitSignal(active.session.message) as told:
        qtbot.keyClick(active.canvas, K.Key_V, SHIFT)
    assert "no next image" in told.args[1]
