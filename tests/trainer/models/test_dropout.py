"""Dropout that depends on the image and its generator alone."""

import numpy as np
import torch

from trainer.models.dropout import ChannelDropout, dropping_by


def drop(images: torch.Tensor, seeds: list[int]) -> torch.Tensor:
    dropout = ChannelDropout(0.25)
    with dropping_by(dropout, [np.random.default_rng(seed) for seed in seeds]):
        return dropout(images)


def test_whole_channels_go_and_the_others_make_up_for_them() -> None:
    dropped = drop(torch.ones(2, 1000, 3, 4), [1, 2])
    assert torch.equal(dropped, dropped[:, :, :1, :1].expand(2, 1000, 3, 4))
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(4 / 3).item()}
    assert 0.7 < (dropped > 0).float().mean() < 0.8
    assert not torch.equal(dropped[0], dropped[1])


def test_what_an_image_loses_does_not_depend_on_the_batch_or_on_what_was_drawn_before() -> None:
    images = torch.randn(4, 16, 2, 2)
    together = drop(images, [0, 1, 2, 3])
    torch.rand(5)
    apart = torch.stack([drop(images[rank::2], [rank, rank + 2]) for rank in (0, 1)])
    assert torch.equal(apart.transpose(0, 1).reshape(images.shape), together)


def test_nothing_is_dropped_in_evaluation_mode_or_where_nobody_draws() -> None:
    dropout, images = ChannelDropout(0.5), torch.randn(1, 16, 2, 2)
    assert torch.equal(dropout(images), images)
    with dropping_by(dropout.eval(), [np.random.default_rng(0)]):
        assert torch.equal(dropout(images), images)
