"""Distillation: the student nears its teacher, a run can be broken off and resumed, the probe probes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainer.distill import training as distill
from trainer.distill.networks import Student, Teacher, map_errors, soft_label_error, spreads_of
from trainer.distill.photo_archive import PhotoArchive, folder_of
from trainer.distill.probe import PROBE_CLASSES, probe, probe_names
from trainer.distill.training import Distillation, DistillationRecipe
from trainer.errors import WeightsError
from trainer.models.backbones import build_backbone
from trainer.models.weights import load_backbone_weights

pytestmark = pytest.mark.slow

QUICK = DistillationRecipe(minutes=0.6, batch=4, sizes=((0.0, 32),), checkpoint_minutes=0.1, score_every=0.5)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(2)
    file = tmp_path_factory.mktemp("teacher") / "teacher.pth"
    head = {"classifier.1.weight": torch.randn(10, 1280), "classifier.1.bias": torch.zeros(10)}
    torch.save({**build_backbone("mobilenet_v2").state_dict(), **head}, file)
    return file


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PhotoArchive of three probe classes that differ in colour, and of a class that is learnt from."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("photos")
    for number, label in enumerate((*PROBE_CLASSES[:3], "watch")):
        (folder / label).mkdir()
        colour = np.eye(4)[number, :3] * 120
        for index in range(20):
            pixels = (rng.uniform(0, 100, (40, 50, 3)) + colour).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index}.png")
    return folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step take two seconds."""

    def ticks() -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += 2

    ticking = ticks()
    monkeypatch.setattr(distill, "working_seconds", lambda device: next(ticking))


@pytest.mark.usefixtures("clock")
def test_a_run_learns_saves_and_reports(teacher: Path, photos: Path, tmp_path: Path) -> None:
    told: list[str] = []
    run = Distillation(teacher, [photos], tmp_path, replace(QUICK, minutes=2))
    before = run.score()
    run.run(told.append)
    after = run.scores[-1]
    assert run.share >= 1
    assert after["cosine"] > before["cosine"]
    assert {"minutes", "cosine", "agreement", "probe"} == set(after)
    assert "loss" in told[-1]
    student = load_backbone_weights(tmp_path / "student.safetensors")
    assert student.name == "affinity_small"


def test_the_classes_of_the_probe_are_kept_out(teacher: Path, photos: Path, tmp_path: Path) -> None:
    run = Distillation(teacher, [photos], tmp_path, QUICK)
    assert {folder_of(name) for name in run.names + run.held_out} == {"watch"}
    assert not set(run.names) & set(run.held_out)


@pytest.mark.usefixtures("clock")
def test_a_run_resumes_even_with_more_time(teacher: Path, photos: Path, tmp_path: Path) -> None:
    first = Distillation(teacher, [photos], tmp_path, replace(QUICK, minutes=0.3))
    first.run(lambda _: None)
    longer = Distillation(teacher, [photos], tmp_path, replace(QUICK, minutes=0.6))
    assert (longer.steps, longer.seconds) == (first.steps, first.seconds)
    assert all(
        torch.equal(value, longer.student.state_dict()[key])
        for key, value in first.student.state_dict().items()
    )
    longer.run(lambda _: None)
    assert longer.steps > first.steps


@pytest.mark.usefixtures("clock")
def test_another_recipe_does_not_go_on_with_a_run(teacher: Path, photos: Path, tmp_path: Path) -> None:
    Distillation(teacher, [photos], tmp_path, replace(QUICK, minutes=0.1)).run(lambda _: None)
    with pytest.raises(WeightsError, match=r"checkpoint\.pt belongs to a run with another recipe"):
        Distillation(teacher, [photos], tmp_path, replace(QUICK, rate=1.0))
    (tmp_path / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"checkpoint\.pt is damaged"):
        Distillation(teacher, [photos], tmp_path, QUICK)


@pytest.mark.usefixtures("clock")
def test_a_teacher_of_another_build_teaches_by_three_maps(photos: Path, tmp_path: Path) -> None:
    torch.manual_seed(2)
    torch.save(build_backbone("resnet18").state_dict(), tmp_path / "resnet.pth")
    run = Distillation(tmp_path / "resnet.pth", [photos], tmp_path / "run", replace(QUICK, minutes=0.6))
    assert not run.student.learns_by_block
    before = run.score()
    run.run(lambda _: None)
    assert run.scores[-1]["cosine"] > before["cosine"]
    assert "agreement" not in run.scores[-1]


def test_each_layer_learns_alone_from_the_maps_before_and_after_it(teacher: Path) -> None:
    one = Teacher(teacher)
    student = Student(one).train()
    assert student.learns_by_block
    assert student.wanted == [f"features.{number}" for number in range(1, 19)]
    x = torch.randn(2, 3, 64, 64)
    targets = one.maps(x, student.wanted)
    alone = student.by_block(x, targets)
    assert [guess.shape for guess in alone] == [target.shape for target in targets]
    errors = map_errors(alone, targets, spreads_of([targets]))
    errors[9].backward()
    taught = {name.split(".")[2] for name, p in student.named_parameters() if p.grad is not None}
    assert taught == {"9"}


def test_a_residual_layer_is_measured_by_what_it_adds(teacher: Path) -> None:
    student = Student(Teacher(teacher))
    maps = [torch.full((1, 1, 1, 1), float(number)) ** 2 for number in range(18)]
    changes = [float(change) for change in student.changes(maps)]
    residual = {2: 4 - 1, 4: 16 - 9, 5: 25 - 16, 7: 49 - 36}
    assert {number: changes[number] for number in residual} == residual
    assert [changes[number] for number in (0, 1, 3, 6, 17)] == [0, 1, 9, 36, 289]


def test_the_schedule_warms_up_cools_down_twice_and_enlarges() -> None:
    recipe = DistillationRecipe(by_block=0.25)
    rates = [recipe.rate_at(share) for share in (0, 0.02, 0.125, 0.2499)]
    assert rates[0] < 0.05 * rates[1]
    assert recipe.block_rate > rates[1] > rates[2] > rates[3] == pytest.approx(0, abs=1e-6)
    rates = [recipe.rate_at(share) for share in (0.25, 0.28, 0.6, 1, 1.2)]
    assert rates[0] < 0.05 * rates[1]
    assert recipe.rate > rates[1] > rates[2] > rates[3] == rates[4] == pytest.approx(0, abs=1e-9)
    assert [recipe.size_at(share) for share in (0, 0.6, 0.9, 1.2)] == [128, 128, 160, 160]


def test_a_perfect_guess_costs_nothing_and_errors_count_by_channel() -> None:
    maps = [torch.randn(2, channels, 4, 4) for channels in (3, 5, 7)]
    spreads = [torch.full((m.shape[1], 1, 1), 2.0) for m in maps]
    head = torch.nn.Linear(7, 4)
    assert [float(error) for error in map_errors(maps, maps, spreads)] == [0, 0, 0]
    assert soft_label_error(maps[2], maps[2], head).item() == pytest.approx(0, abs=1e-6)
    assert soft_label_error(maps[2] + torch.randn(7, 1, 1), maps[2], head).item() > 1e-3
    off = [maps[0] + 2, maps[1], maps[2]]
    assert [float(error) for error in map_errors(off, maps, spreads)] == pytest.approx([1, 0, 0], abs=1e-5)


def test_the_probe_tells_apart_what_features_tell_apart(photos: Path) -> None:
    opened = PhotoArchive([photos])
    learn, judge = probe_names(opened.names)
    assert (len(learn), len(judge)) == (30, 30)
    assert not set(learn) & set(judge)
    assert probe(build_backbone("affinity_small").eval(), opened) > 0.9
