"""A tag is never wrong: a class that lost everywhere is put where its CAM is high."""

import numpy as np

from trainer.method.masks import SURELY, with_tagged_classes


def test_a_class_that_lost_everywhere_gets_background_where_its_cam_is_high() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[:, :4] = 1
    cams = np.zeros((3, 4, 4), np.float32)
    cams[0, 0, 0] = 1  # of a class that is there already
    cams[1, :2] = SURELY
    found = with_tagged_classes(mask, cams, (1, 2, 3))
    assert (found[:, :4] == 1).all(), "what another class won stays"
    assert (found[:4, 4:] == 2).all() and not found[4:, 4:].any()
    assert not (found == 3).any(), "of a class without a CAM nothing is known"


def test_a_mask_with_all_classes_stays_as_it_is() -> None:
    mask = np.tile(np.uint8([0, 1, 2, 1]), (4, 1))
    assert with_tagged_classes(mask, np.ones((2, 2, 2), np.float32), (1, 2)) is mask
