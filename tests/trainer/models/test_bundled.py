"""The weights that ship with the program, as a newcomer meets them: the sample photos, offline."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

import resources
from trainer.data.images import load_image
from trainer.engine import Engine
from trainer.models.registry import BUNDLED

MOST_BYTES = 16 * 10**6


def test_they_are_small_and_have_a_card() -> None:
    folder = resources.path("weights")
    assert sum(file.stat().st_size for file in folder.iterdir()) < MOST_BYTES
    card = BUNDLED.with_suffix(".md").read_text(encoding="utf-8")
    for heading in ("Architecture", "Data", "Teacher", "Recipe", "Scores", "Limits", "Licence"):
        assert f"## {heading}" in card


@pytest.mark.parametrize(
    ("photo", "name", "inside"),
    [
        ("astronaut.png", "person", np.s_[40:512, 60:400]),
        ("camera.png", "person", np.s_[60:512, 60:340]),
        ("motorcycle_left.png", "motorbike", np.s_[120:480, 60:690]),
        ("chelsea.png", "cat", np.s_[10:300, 60:385]),
    ],
)
def test_what_the_sample_shows_is_found(photo: str, name: str, inside: tuple[slice, slice]) -> None:
    """The CAM is stronger on the object than beside it."""
    image = load_image(Path(skimage.data.__file__).parent / photo)
    cam = Engine.bundled().propose(image, [name]).cams[0]
    outside = np.ones(cam.shape, bool)
    outside[inside] = False
    assert cam[inside].mean() > 1.2 * cam[outside].mean()
