import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

from trainer.data.project import Project, Target
from trainer.errors import DataError

SHAPE = (40, 60)


@pytest.fixture
def project(voc_tree):
    opened = Project.open_folder(voc_tree)
    yield opened
    opened.close()


def stroke(project, layers, target, box, label):
    """Paint a box as the desk does: on the layer, then in the journal."""
    y0, x0, y1, x1 = box
    window = layers[target][y0:y1, x0:x1]
    before = window.copy()
    window[:] = label
    return project.record_edit("one", target, box, before, window.copy(), "brush")


def stored(project):
    return {target: project.layer("one", target, SHAPE) for target in Target}


def assert_same(left, right):
    for target in Target:
        np.testing.assert_array_equal(left[target], right[target])


def test_layers_are_what_was_painted_through_undo_redo_and_restarts(project, rng):
    layers = {target: np.full(SHAPE, 255, np.uint8) for target in Target}
    for step in range(200):
        action = rng.choice(["paint", "undo", "redo", "restart"], p=[0.5, 0.25, 0.2, 0.05])
        if action == "paint":
            y0, x0 = rng.integers(0, SHAPE[0] - 1), rng.integers(0, SHAPE[1] - 1)
            box = (y0, x0, rng.integers(y0 + 1, SHAPE[0] + 1), rng.integers(x0 + 1, SHAPE[1] + 1))
            stroke(project, layers, rng.choice(list(Target)), tuple(map(int, box)), step % 21)
            assert not project.can_redo("one")
        elif action == "restart":
            project.close()
            project = Project.open(project.file)
        else:
            possible = project.can_undo("one") if action == "undo" else project.can_redo("one")
            edit = project.undo("one") if action == "undo" else project.redo("one")
            assert (edit is not None) == possible
            if edit:
                y0, x0, y1, x1 = edit.box
                layers[edit.target][y0:y1, x0:x1] = edit.before if action == "undo" else edit.after
    assert_same(stored(project), layers)
    while project.undo("one"):
        pass
    assert all((layer == 255).all() for layer in stored(project).values())
    project.close()


def test_both_layers_share_one_history(project):
    layers = {target: np.full(SHAPE, 255, np.uint8) for target in Target}
    stroke(project, layers, Target.SEEDS, (0, 0, 4, 4), 1)
    stroke(project, layers, Target.MASK, (0, 0, 4, 4), 254)
    assert [project.undo("one").target for _ in range(2)] == [Target.MASK, Target.SEEDS]
    assert project.undo("one") is None
    assert project.redo("one").target is Target.SEEDS


def test_images_have_histories_of_their_own(project):
    patch = np.zeros((1, 1), np.uint8)
    project.record_edit("one", Target.SEEDS, (0, 0, 1, 1), patch, patch, "brush")
    assert project.undo("two") is None
    assert (project.layer("two", Target.SEEDS, SHAPE) == 255).all()


def test_a_patch_must_fit_its_box(project):
    patch = np.zeros((2, 2), np.uint8)
    for box, before in (
        ((0, 0, 2, 3), patch),
        ((0, 0, 0, 0), np.zeros((0, 0), np.uint8)),
        ((-1, 0, 1, 2), patch),
        ((0, 0, 2, 2), patch.astype(int)),
    ):
        with pytest.raises(ValueError):
            project.record_edit("one", Target.SEEDS, box, before, before, "brush")
    assert not project.can_undo("one")


def test_an_image_replaced_by_a_smaller_one_is_named(project):
    patch = np.zeros((2, 2), np.uint8)
    project.record_edit("one", Target.SEEDS, (38, 0, 40, 2), patch, patch, "brush")
    with pytest.raises(DataError, match="one"):
        project.layer("one", Target.SEEDS, (39, 60))


def test_a_stroke_survives_a_process_that_is_killed_right_after_it(project):
    code = f"""
import os, numpy as np
from pathlib import Path
from trainer.data.project import Project, Target
project = Project.open(Path({str(project.file)!r}))
patch = np.full((3, 3), 255, np.uint8)
project.record_edit("one", Target.SEEDS, (1, 1, 4, 4), patch, patch * 0 + 8, "brush")
os._exit(9)
"""
    project.close()
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 9
    with closing(Project.open(project.file)) as again:
        layer = again.layer("one", Target.SEEDS, SHAPE)
    assert (layer[1:4, 1:4] == 8).all()
    assert (layer == 8).sum() == 9
