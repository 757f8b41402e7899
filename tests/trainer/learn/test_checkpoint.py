"""A training broken off and started again ends where an undisturbed one does."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from trainer.learn.checkpoint import Checkpoint
from trainer.learn.loader import Draw, Sample, Samples
from trainer.learn.loop import Recipe, Step, steps
from trainer.models.dropout import ChannelDropout

COUNT = 5
RECIPE = Recipe(epochs=3, batch=2)
TOTAL = RECIPE.steps(COUNT)


@pytest.fixture(autouse=True)
def _always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.learn.checkpoint.EVERY", 0.0)


class Noise(Samples):
    """As many images of one pixel as the training has, drawn by chance."""

    def __init__(self) -> None:
        pass

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, draw: Draw) -> Sample:
        pixels = torch.from_numpy(draw.rng.normal(size=(3, 1, 1))).float()
        return Sample(draw, pixels, torch.zeros(1, 1, dtype=torch.uint8))


class Training:
    """A small network with dropout that learns from noise, each time from the same start."""

    def __init__(self, path: Path | None = None, recipe: Recipe = RECIPE, width: int = 4) -> None:
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Conv2d(3, width, 1), ChannelDropout(0.5), nn.Conv2d(width, 1, 1))
        self.warnings: list[str] = []
        self.recipe = recipe
        self.checkpoint = Checkpoint(path, self.warnings.append) if path else None

    def run(self, batches: int | None = None, workers: int = 0) -> list[Step]:
        under_way = steps(
            self.net,
            self.net[0],
            Noise(),
            self._loss,
            self.recipe,
            "test",
            checkpoint=self.checkpoint,
            workers=workers,
        )
        return list(islice(under_way, batches))

    def _loss(self, batch: Sequence[Sample]) -> Tensor:
        return (self.net(torch.stack([sample.pixels for sample in batch])) - 1).square().mean()

    @property
    def weights(self) -> list[list[float]]:
        return [parameter.flatten().tolist() for parameter in self.net.parameters()]


@pytest.fixture
def undisturbed() -> Training:
    training = Training()
    training.run()
    return training


@pytest.mark.parametrize("done", [1, 3, 4, TOTAL - 1])
def test_it_goes_on_where_it_was_broken_off(done: int, undisturbed: Training, tmp_path: Path) -> None:
    Training(tmp_path / "kept").run(done)
    resumed = Training(tmp_path / "kept")
    assert [step.step for step in resumed.run()] == list(range(done + 1, TOTAL + 1))
    assert resumed.weights == undisturbed.weights
    assert not resumed.warnings


def test_it_goes_on_with_another_number_of_workers(undisturbed: Training, tmp_path: Path) -> None:
    Training(tmp_path / "kept").run(4, workers=2)
    resumed = Training(tmp_path / "kept")
    resumed.run(workers=1)
    assert resumed.weights == undisturbed.weights


def test_it_can_be_broken_off_again_and_again(undisturbed: Training, tmp_path: Path) -> None:
    for _ in range(TOTAL - 1):
        Training(tmp_path / "kept").run(1)
    last = Training(tmp_path / "kept")
    assert len(last.run()) == 1
    assert last.weights == undisturbed.weights


def test_nothing_is_written_before_it_is_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.learn.checkpoint.EVERY", 3600.0)
    Training(tmp_path / "kept").run()
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("other", [{"recipe": replace(RECIPE, seed=1)}, {"width": 5}])
def test_the_checkpoint_of_another_training_is_left_alone(
    other: dict[str, object], undisturbed: Training, tmp_path: Path
) -> None:
    Training(tmp_path / "kept", **other).run(3)
    training = Training(tmp_path / "kept")
    assert len(training.run()) == TOTAL
    assert training.weights == undisturbed.weights
    assert "another training" in training.warnings[0]


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-99], lambda data: b"x" + data])
def test_a_damaged_checkpoint_is_told_and_the_training_starts_over(
    damage: Callable[[bytes], bytes], undisturbed: Training, tmp_path: Path
) -> None:
    path = tmp_path / "kept"
    Training(path).run(3)
    path.write_bytes(damage(path.read_bytes()))
    training = Training(path)
    assert len(training.run()) == TOTAL
    assert training.weights == undisturbed.weights
    assert str(path) in training.warnings[0] and "damaged" in training.warnings[0]
