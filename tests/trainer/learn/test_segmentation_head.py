"""Teaching a segmentation network's head on the maps of its frozen backbone."""

from functools import partial

import numpy as np
import pytest
import torch

from trainer.learn.segmentation_head import HeadExample, HeadTuner, photo_maps, predict_from_maps
from trainer.models.backbones import build_backbone
from trainer.models.segnet import SegmentationNet

LABELS = 3


@pytest.fixture
def net() -> SegmentationNet:
    torch.manual_seed(0)
    return SegmentationNet(build_backbone("mobilenet_v2"), LABELS - 1).eval()


@pytest.fixture
def example(net: SegmentationNet, rng: np.random.Generator) -> HeadExample:
    """A bright square, class 2, on noise."""
    photo = rng.integers(0, 90, (64, 96, 3), np.uint8)
    labels = np.zeros((64, 96), np.uint8)
    photo[16:48, 10:50] += 150
    labels[16:48, 10:50] = 2
    return HeadExample(partial(photo_maps, net, photo), labels)


def taught(net: SegmentationNet, example: HeadExample, steps: int = 40) -> tuple[HeadTuner, list[float]]:
    tuner = HeadTuner(net, np.random.default_rng(0))
    return tuner, [tuner.step([example], torch.ones(LABELS)) for _ in range(steps)]


def test_the_maps_and_the_head_together_are_the_network(net: SegmentationNet) -> None:
    x = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        assert torch.equal(net.score(net.maps(x), (64, 96)), net(x))


def test_steps_lower_the_loss_and_leave_the_network_and_its_backbone_as_they_are(
    net: SegmentationNet, example: HeadExample
) -> None:
    before = {name: value.clone() for name, value in net.state_dict().items()}
    tuner, losses = taught(net, example)
    assert losses[-1] < 0.5 * losses[0]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert tuner.net.backbone is net.backbone
    before_iou, after_iou = (
        (predict_from_maps(each, example.maps, [2], (64, 96)) == example.labels).mean()
        for each in (net, tuner.net)
    )
    assert after_iou > max(0.9, before_iou)


def test_equal_generators_teach_equal_heads(net: SegmentationNet, example: HeadExample) -> None:
    first, second = (taught(net, example, steps=3)[0].net for _ in range(2))
    for one, other in zip(first.head.parameters(), second.head.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_class_that_the_network_has_not_learnt_is_predicted_once_its_row_is_open(
    net: SegmentationNet, example: HeadExample
) -> None:
    with torch.no_grad():
        net.classify.weight[2], net.classify.bias[2] = 0, -1e4
    assert not predict_from_maps(net, example.maps, [2], (64, 96)).any()
    tuner = HeadTuner(net, np.random.default_rng(0))
    for _ in range(40):
        tuner.open_rows([0, 2])
        tuner.step([example], torch.ones(LABELS))
    assert (predict_from_maps(tuner.net, example.maps, [2], (64, 96)) == example.labels).mean() > 0.9


def test_a_loss_that_is_no_number_is_an_error(net: SegmentationNet, example: HeadExample) -> None:
    broken = HeadExample(
        lambda mirrored: [map_ * float("nan") for map_ in example.maps(mirrored)], example.labels
    )
    with pytest.raises(FloatingPointError):
        HeadTuner(net, np.random.default_rng(0)).step([broken], torch.ones(LABELS))
