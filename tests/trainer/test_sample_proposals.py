"""The first start: what the models that ship propose for the sample photos, against masks made by hand.

`sample_truth/` holds them: drawn on the desk with strokes of both kinds, and looked at.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from trainer.data.images import load_image, load_mask
from trainer.data.sample import build_sample
from trainer.data.source import open_source
from trainer.engine import Engine
from trainer.proposal import Proposal
from trainer.robot.clicks import CarefulRobot

TRUTH = Path(__file__).with_name("sample_truth")
KNOWN = ("astronaut", "camera", "chelsea", "coffee", "motorcycle_left")


@cache
def proposed() -> dict[str, tuple[Proposal, int]]:
    """The proposals of the bundled models, each with the class id of its tag."""
    with TemporaryDirectory() as folder:
        source = open_source(build_sample(Path(folder) / "sample"))
        engine = Engine.bundled(source.classes)
        return {
            item.id: (engine.propose(load_image(item.image_path), item.tags or ()),
                      source.classes.id_of((item.tags or ("",))[0]))
            for item in source.items
        }  # fmt: skip


def truth_of(name: str) -> np.ndarray:
    return load_mask(TRUTH / f"{name}.png")


def iou(name: str, mask: np.ndarray) -> float:
    truth = truth_of(name) == 1
    found = mask == proposed()[name][1]
    return float((truth & found).sum() / (truth | found).sum())


def clicked(name: str, clicks: int) -> float:
    """IoU after so many clicks of the careful robot."""
    proposal, class_id = proposed()[name]
    robot, mask = CarefulRobot(truth_of(name) * np.uint8(class_id)), proposal.mask
    for left in range(clicks, 0, -1):
        robot.click(mask, left)
        mask = proposal.refine(robot.corrections)
    return iou(name, mask)


def test_the_bundled_proposals_of_known_objects_are_good() -> None:
    found = {name: iou(name, proposed()[name][0].mask) for name in KNOWN}
    assert np.mean(list(found.values())) >= 0.75, found
    assert min(found.values()) >= 0.6, found


@pytest.mark.parametrize("name", KNOWN)
def test_one_click_makes_them_very_good(name: str) -> None:
    assert clicked(name, 1) >= 0.85


def test_an_object_that_nobody_has_learnt_takes_two_clicks_and_no_mask_is_made_up_before() -> None:
    proposal, _ = proposed()["rocket"]
    assert not proposal.mask.any() and "have not learnt rocket" in proposal.note
    assert clicked("rocket", 2) >= 0.8
