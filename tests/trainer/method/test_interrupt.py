"""A network ends at the next layer, forth or back, when it is told to."""

import threading

import pytest
import torch
from torch import nn

from trainer.method.interrupt import Interrupted, interruptible


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
    with pytest.raises(Interrupted), interruptible(lambda: layers[3].runs > 0):
        net(torch.zeros(1))
    assert [layer.runs for layer in layers] == [1] * 4 + [0] * 6
    net(torch.zeros(1))
    assert layers[9].runs == 1


def test_a_backward_pass_ends_between_two_layers() -> None:
    net = nn.Sequential(*(nn.Linear(2, 2) for _ in range(4)))
    reached = []
    net[2].weight.register_hook(lambda _: reached.append(2))
    net[0].weight.register_hook(lambda _: reached.append(0))
    with pytest.raises(Interrupted), interruptible(lambda: bool(reached)):
        net(torch.ones(1, 2)).sum().backward()
    assert reached == [2]
    assert net[0].weight.grad is None


def test_errors_are_not_mistaken_for_it_and_other_threads_are_left_alone() -> None:
    layer = Counting()
    with interruptible(lambda: True):
        other = threading.Thread(target=layer, args=(torch.zeros(1),))
        other.start()
        other.join()
        assert layer.runs == 1
        with pytest.raises(Interrupted):
            try:
                layer(torch.zeros(1))
            except Exception:
                pytest.fail("an interruption was handled as an error")
