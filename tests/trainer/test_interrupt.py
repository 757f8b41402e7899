"""A forward pass ends at the next layer when it is told to."""

import threading

import pytest
import torch
from torch import nn

from trainer.interrupt import Interrupted, interruptible


class Counting(nn.Identity):
    """A layer that counts how often it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return input


def test_no_layer_runs_after_the_word_and_afterwards_the_net_is_as_before() -> None:
    layers = [Counting() for _ in range(10)]
    net = nn.Sequential(*layers)
    with pytest.raises(Interrupted), interruptible(lambda: layers[3].runs > 0, net):
        net(torch.zeros(1))
    assert [layer.runs for layer in layers] == [1] * 4 + [0] * 6
    net(torch.zeros(1))
    assert layers[9].runs == 1


def test_errors_are_not_mistaken_for_it_and_other_threads_are_left_alone() -> None:
    layer = Counting()
    with interruptible(lambda: True, layer):
        other = threading.Thread(target=layer, args=(torch.zeros(1),))
        other.start()
        other.join()
        assert layer.runs == 1
        with pytest.raises(Interrupted):
            try:
                layer(torch.zeros(1))
            except Exception:
                pytest.fail("an interruption was handled as an error")
