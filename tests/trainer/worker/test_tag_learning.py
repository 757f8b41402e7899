"""Learning from tags alone, as the desk sees it: squares of two colours, told apart and found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from worker_desk import Desk

import trainer.worker.tag_learning
from trainer.data.project import ImageRecord, Project, Status, Target
from trainer.engine import Engine, Models
from trainer.errors import WeightsError
from trainer.learn.augment import Augmentation
from trainer.method.propagations import SEGMENTATION
from trainer.method.settings import Settings
from trainer.models.backbones import build_backbone
from trainer.models.classifier import CamClassifier
from trainer.worker.messages import (
    LearnTags,
    LossPoint,
    Pause,
    Predict,
    Predicted,
    SetModel,
    Start,
    State,
    StateChanged,
    Stop,
    TagsLearnt,
    TrainingProgress,
)
from trainer.worker.tag_learning import FILE, MOST_IMAGES, chosen, fitted, load_learnt

pytestmark = pytest.mark.slow

SIDE = 64
COLOURS = {"red": (230, 40, 40), "blue": (40, 60, 230)}
PLACES = [(4, 4), (4, 36), (36, 4), (36, 36)]


@pytest.fixture
def project(tmp_path: Path, rng: np.random.Generator) -> Iterator[Project]:
    """Open a project of noisy grey photos with a square each, four red ones and four blue ones, and one more
    without a square; all tagged."""
    folder = tmp_path / "squares"
    folder.mkdir()
    lines = ["image,tags", "empty,"]
    photos = {"empty": rng.integers(90, 150, (SIDE, SIDE, 3), np.uint8)}
    for name, colour in COLOURS.items():
        for number, (y, x) in enumerate(PLACES):
            photo = rng.integers(90, 150, (SIDE, SIDE, 3), np.uint8)
            photo[y : y + 24, x : x + 24] = colour
            photos[f"{name}{number}"] = photo
            lines.append(f"{name}{number},{name}")
    for name, photo in photos.items():
        Image.fromarray(photo).save(folder / f"{name}.png")
    (folder / "tags.csv").write_text("\n".join(lines))
    project = Project.open_folder(folder)
    yield project
    project.close()


@pytest.fixture
def engine(project: Project) -> Engine:
    """Return an engine that knows nothing of the squares."""
    torch.manual_seed(0)
    classifier = CamClassifier(build_backbone("resnet18", frozen_norm=False), len(project.classes))
    return Engine(
        Models(project.classes, classifier, base="of the blank"),
        Settings(scales=(1.0,), max_side=SIDE, steps=8),
    )


@pytest.fixture
def desk(project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk whose trainer learns from small views; it is stopped at the end, in time."""
    views = Augmentation(long_side=(60, 90), crop=SIDE)
    for name in ("CLASSIFIER_RECIPE", "AFFINITY_RECIPE"):
        recipe = replace(getattr(trainer.worker.tag_learning, name), epochs=1, views=views)
        monkeypatch.setattr(trainer.worker.tag_learning, name, recipe)
    monkeypatch.setattr(trainer.worker.tag_learning, "LEAST_STEPS", 1)
    desk = Desk(project, engine)
    desk.worker.start()
    desk.wait_state(State.WAITING)
    yield desk
    assert desk.worker.stop(2.0)


def test_after_learning_the_cam_is_high_on_the_object_and_low_elsewhere(
    desk: Desk, project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(trainer.worker.tag_learning.CLASSIFIER_RECIPE, epochs=10)
    monkeypatch.setattr(trainer.worker.tag_learning, "CLASSIFIER_RECIPE", recipe)
    desk.post(Predict("red0"))
    desk.wait(Predicted, lambda message: not message.proposal.fast)
    seen = len(desk.messages)
    desk.post(LearnTags())
    assert "tags" in desk.wait_state(State.TRAINING).reason
    assert desk.wait(TagsLearnt).images == 9
    losses = [point.loss for point in desk.all(LossPoint)]
    assert len(losses) > 1 and losses[0] > min(losses)
    progress = [message for message in desk.all(TrainingProgress) if message.seconds_left is not None]
    assert progress[-1].fraction > progress[0].fraction
    assert {"Learning the classes", "Learning the outlines"} <= {message.text for message in progress}
    desk.wait_state(State.WAITING, seen)  # corrections are learnt from next, as before
    # The proposal made before is made again, with the new networks.
    desk.wait(Predicted, lambda message: message.image == "red0", seen)
    on, off = [], []
    for name in COLOURS:
        for number, (y, x) in enumerate(PLACES):
            photo = np.asarray(Image.open(project.record(f"{name}{number}").path))
            proposal = engine.propose(photo, [name], fast=True)
            square = np.zeros((SIDE, SIDE), bool)
            square[y : y + 24, x : x + 24] = True
            on.append(proposal.cams[0][square].mean())
            off.append(proposal.cams[0][~square].mean())
            assert "AffinityNet" not in proposal.note
    assert np.mean(on) > 1.1 * np.mean(off)


def test_what_was_learnt_is_there_when_the_project_is_opened_again(
    desk: Desk, project: Project, engine: Engine
) -> None:
    desk.post(LearnTags())
    desk.wait(TagsLearnt)
    assert desk.worker.stop(2.0)
    photo = np.asarray(Image.open(project.record("blue1").path))
    learnt = load_learnt(project, "of the blank")
    assert learnt is not None and load_learnt(project, "of others") is None
    again = Engine.from_bundle(learnt, project.classes)
    assert again.settings.alpha == engine.settings.alpha
    assert again.settings.alpha_low == engine.settings.alpha_low
    again.settings = engine.settings
    np.testing.assert_array_equal(again.propose(photo, ["blue"]).mask, engine.propose(photo, ["blue"]).mask)
    project.add_class("green")
    assert "green" in Engine.from_bundle(learnt, project.classes).propose(photo, ["green"]).note
    file = project.models_dir / FILE
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=FILE):
        load_learnt(project, "of the blank")


def test_enough_photos_end_in_a_segmentation_network_that_makes_the_masks_and_is_kept(
    desk: Desk, project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.worker.tag_learning, "SEGMENTATION_FROM", 9)
    desk.post(LearnTags())
    assert desk.wait(TagsLearnt).segmentation
    assert {"Drawing masks to learn from", "Learning the masks"} <= {
        message.text for message in desk.all(TrainingProgress)
    }
    assert desk.worker.stop(2.0)
    photo = np.asarray(Image.open(project.record("blue1").path))
    proposal = engine.propose(photo, ["blue"])
    assert proposal.source == SEGMENTATION
    learnt = load_learnt(project, "of the blank")
    assert learnt is not None
    again = Engine.from_bundle(learnt, project.classes)
    assert again.settings.segmentation
    again.settings = engine.settings
    np.testing.assert_array_equal(again.propose(photo, ["blue"]).mask, proposal.mask)


def test_it_can_be_held_and_dropped_and_the_thread_serves_others_meanwhile(
    desk: Desk, project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.worker.tag_learning, "LEAST_STEPS", 1000)
    before = engine.models
    desk.post(LearnTags())
    desk.wait(LossPoint)
    desk.post(Predict("blue2"), Pause())
    desk.wait_state(State.PAUSED)
    desk.wait(Predicted, lambda message: not message.proposal.fast)
    seen = len(desk.messages)
    desk.post(Start())
    desk.wait(LossPoint, since=seen)
    desk.post(Stop(), Start())
    desk.wait_state(State.IDLE)
    desk.wait_state(State.WAITING, seen)
    assert not (project.models_dir / FILE).exists()
    assert engine.models == before


def test_closing_in_the_middle_of_it_ends_in_time_and_leaves_nothing_half_written(
    desk: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.worker.tag_learning, "LEAST_STEPS", 1000)
    desk.post(LearnTags())
    desk.wait(LossPoint)
    assert desk.worker.stop(2.0)
    assert not list(project.models_dir.glob("*"))


def test_too_few_tags_are_told_and_nothing_changes(desk: Desk, project: Project) -> None:
    for record in project.images()[1:]:
        project.set_tags(record.id, None)
    seen = len(desk.messages)
    desk.post(LearnTags(), SetModel(0))
    assert "two images" in desk.wait(StateChanged, since=seen).reason
    assert not desk.all(LossPoint)


def test_what_a_person_says_comes_before_automatic_seeds_and_accepted_masks_stay(
    desk: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = np.zeros((SIDE, SIDE), np.uint8)
    accepted[4:28, 4:28] = 2
    project.accept("red0", accepted)
    stroke = np.full((10, 10), 1, np.uint8)
    project.record_edit("blue0", Target.SEEDS, (50, 50, 60, 60), np.full_like(stroke, 255), stroke, "brush")
    taught: list[np.ndarray] = []
    learn = trainer.worker.tag_learning.affinity_training.affinity_steps

    def listen(net: object, views: object, seeds: list[np.ndarray], recipe: object, **options: int) -> object:
        taught.extend(seeds)
        return learn(net, views, seeds, recipe, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer.worker.tag_learning.affinity_training, "affinity_steps", listen)
    desk.post(LearnTags())
    desk.wait(TagsLearnt)
    ids = [record.id for record in project.images()]
    assert (taught[ids.index("red0")] == accepted).all()
    assert (taught[ids.index("blue0")][50:60, 50:60] == 1).all()
    np.testing.assert_array_equal(project.accepted_mask("red0"), accepted)
    assert project.record("red0").status is Status.ACCEPTED


def test_a_photo_that_cannot_be_read_is_named_and_left_out(desk: Desk, project: Project) -> None:
    file = project.record("red1").path
    file.write_bytes(file.read_bytes()[:200])
    desk.post(LearnTags())
    learnt = desk.wait(TagsLearnt)
    assert learnt.images == 8 and file.name in learnt.note


def test_a_photo_without_tags_teaches_nothing(
    desk: Desk, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.set_tags("red1", None)
    taught: list[tuple[int, list[list[int]]]] = []
    learn = trainer.worker.tag_learning.classifier_training.classifier_steps

    def listen(
        net: object, views: list[np.ndarray], tags: list[list[int]], *rest: object, **options: int
    ) -> object:
        taught.append((len(views), tags))
        return learn(net, views, tags, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer.worker.tag_learning.classifier_training, "classifier_steps", listen)
    desk.post(LearnTags())
    assert desk.wait(TagsLearnt).images == 8
    ((photos, tags),) = taught
    assert photos == len(tags) == 8 and tags.count([]) == 1, "only the photo tagged as showing nothing"


def test_of_very_many_images_every_class_has_its_share() -> None:
    def record(number: int, tags: tuple[str, ...] | None) -> ImageRecord:
        name = f"{number:04d}"
        return ImageRecord(name, Path(name), tags or (), tags is not None, Status.NEW, None, None, 0)

    records = [record(n, ("common",)) for n in range(2000)]
    records += [record(n, ("rare",)) for n in range(2000, 2100)]
    records += [record(n, None) for n in range(2100, 2200)]
    picked = chosen(records)
    assert len(picked) == MOST_IMAGES
    assert sum("rare" in one.tags for one in picked) == 100


@pytest.mark.parametrize("count", [2, 6, 40, 300])
def test_few_images_are_looked_at_more_often(count: int) -> None:
    recipe = fitted(trainer.worker.tag_learning.CLASSIFIER_RECIPE, count)
    assert recipe.steps(count) >= trainer.worker.tag_learning.LEAST_STEPS
    assert recipe.batch <= trainer.worker.tag_learning.LARGEST_BATCH
