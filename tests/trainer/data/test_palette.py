import numpy as np

from trainer.data.palette import colour_of, voc_palette


def test_colours_are_those_of_pascal_voc():
    known = {
        0: (0, 0, 0),
        1: (128, 0, 0),
        2: (0, 128, 0),
        8: (64, 0, 0),
        15: (192, 128, 128),
        20: (0, 64, 128),
    }
    assert {label: colour_of(label) for label in known} == known
    assert colour_of(255) == (224, 224, 192)


def test_no_two_labels_share_a_colour():
    assert len(np.unique(voc_palette(), axis=0)) == 256
