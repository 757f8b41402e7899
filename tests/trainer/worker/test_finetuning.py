"""What a run of the trainer learns from which photos, and by which it is judged."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from corrected_photos import CAT, FOUR, PERSON, SIZES, add_mirrored, correct
from torch import nn

import trainer.worker.finetuning
import trainer.worker.model_versions
import trainer.worker.segmentation_subject
from trainer.data.images import load_image
from trainer.data.project import Project, Target
from trainer.engine import Engine
from trainer.learn.segmentation_head import new_head
from trainer.method.propagations import SEGMENTATION
from trainer.models.class_rows import forget
from trainer.worker.affinity_subject import AffinitySubject
from trainer.worker.finetuning import NothingToLearn, Training
from trainer.worker.known_masks import ACCEPTED, AUTOMATIC, CORRECTED, Known, corrected_mask
from trainer.worker.messages import Message, ModelChanged, Promoted, ValidationPoint
from trainer.worker.model_versions import Taught, load_version, save_version
from trainer.worker.photos import Photos
from trainer.worker.segmentation_subject import SegmentationSubject
from trainer.worker.verdict import Verdict


class Pupil(nn.Module):
    """A network that remembers which photos it has learnt from."""

    def __init__(self, seen: Sequence[str] = ()) -> None:
        super().__init__()
        self.seen = set(seen)


class Notes:
    """A subject whose networks give the right mask as often as they have seen other photos: see `Subject`."""

    name, steps, batch, classes, begun = "affinity", 12, 2, 20, True

    def __init__(self) -> None:
        self.net = Pupil()
        self.judged: list[tuple[set[str], str]] = []
        self.rehearsed: set[str] = set()
        self.weights: dict[str, int] = {}

    def network(self) -> Pupil:
        return self.net

    def tuner(self, net: Pupil, rng: np.random.Generator) -> Any:
        notes = self

        class Tuner:
            def __init__(self) -> None:
                self.net = Pupil(net.seen)

            def step(self, photos: Sequence[Known]) -> float:
                for photo in photos:
                    notes.weights[photo.image] = photo.weight
                    (notes.rehearsed if photo.weight == AUTOMATIC else self.net.seen).add(photo.image)
                return 0.5

        return Tuner()

    def prepare(self, photos: Sequence[Known]) -> None:
        pass

    def fitting_alpha(self, net: Pupil, photos: Sequence[Known]) -> Iterator[None]:
        yield from ()

    def mask(self, net: Pupil, photo: Known, alpha: float | None = None) -> np.ndarray:
        self.judged.append((set(net.seen), photo.image))
        return photo.labels


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    subject = Notes()
    monkeypatch.setattr(trainer.worker.finetuning, "subject_of", lambda *_: subject)
    return subject


def run(project: Project, engine: Engine, notes: Notes) -> list[Message]:
    messages: list[Message] = []
    untuned = replace(engine.models, affinity=notes.net)  # type: ignore[arg-type]
    for _ in Training(project, engine, untuned, messages.append).batches():
        pass
    return messages


def test_every_corrected_photo_is_judged_by_networks_that_have_not_learnt_from_it(
    project: Project, engine: Engine, notes: Notes
) -> None:
    add_mirrored(project)
    correct(project, *FOUR)
    messages = run(project, engine, notes)
    challengers = [(seen, image) for seen, image in notes.judged if seen]
    assert {image for _, image in challengers} == set(FOUR)
    assert all(image not in seen for seen, image in challengers)
    assert len([m for m in messages if isinstance(m, ValidationPoint)]) == trainer.worker.finetuning.PATIENCE
    assert not [m for m in messages if isinstance(m, Promoted)]  # equal masks are no evidence


def test_accepted_masks_weigh_more_than_strokes_and_tagged_photos_are_rehearsed(
    project: Project, engine: Engine, notes: Notes
) -> None:
    add_mirrored(project)
    correct(project, *FOUR[:3])
    mask = np.zeros(SIZES["rocket"], np.uint8)
    mask[40:90, 60:120] = PERSON
    project.accept("rocket", mask)
    run(project, engine, notes)
    assert notes.weights == {"rocket": ACCEPTED, **dict.fromkeys(FOUR[:3], CORRECTED), FOUR[3]: AUTOMATIC}
    assert notes.rehearsed == {FOUR[3]}


def test_photos_without_tags_are_never_rehearsed(project: Project, engine: Engine, notes: Notes) -> None:
    add_mirrored(project)
    correct(project, *FOUR)
    project.set_tags("rocket", None)
    run(project, engine, notes)
    assert not notes.rehearsed


def test_a_photo_to_rehearse_has_the_mask_that_the_desk_shows(project: Project, engine: Engine) -> None:
    add_mirrored(project)
    mask = np.zeros(SIZES["chelsea"], np.uint8)
    mask[30:120, 50:140] = CAT
    for image, origin in (("chelsea", engine.origin(("cat",))), ("cat-mirrored", "of former models")):
        project.store_proposal_mask(image, mask)
        project.note_proposal(image, 0.5, origin)
    photos = Photos(project, engine, np.random.default_rng(0))
    list(photos.rehearse(4, AffinitySubject(engine)))
    labels = {photo.image: photo.labels for photo in photos.rehearsed}
    assert (labels["chelsea"] == mask).all()
    assert not (labels["cat-mirrored"] == mask).all()


def test_an_untagged_photo_says_only_what_is_painted(project: Project, engine: Engine) -> None:
    """It may show anything else: nothing of it is background that nobody called so."""
    correct(project, "chelsea")
    shape = SIZES["chelsea"]
    mask = np.zeros(shape, np.uint8)
    mask[30:120, 50:140] = CAT
    project.store_proposal_mask("chelsea", mask)
    painted = project.layer("chelsea", Target.SEEDS, shape)

    def known() -> Known:
        return corrected_mask(project, project.record("chelsea"), engine.strokes)

    assert (known().labels == mask).all()
    project.set_tags("chelsea", None)
    untagged = known()
    expected = np.where((mask == 0) & (painted != 0), 255, mask)
    assert (untagged.labels == expected).all() and (expected == 0).any() and (expected == 255).any()
    example = AffinitySubject(engine).example(untagged)
    assert not (example.automatic == 0).any() and (example.painted == 0).any()
    project.accept("chelsea", mask)
    assert (known().labels == mask).all(), "an accepted mask says all"


def test_a_version_that_photos_corrected_later_disprove_is_taken_back(
    project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version's network is told from the one before it by a weight; a stand-in mask is wrong with it."""
    subject = trainer.worker.finetuning.subject_of(engine, photos=4)
    worse = subject.blank(subject.classes)
    engine.replace_models(affinity=subject.blank(subject.classes))
    untuned = engine.models
    version = save_version(
        project,
        subject,
        Taught(worse, (subject.blank(subject.classes), subject.blank(subject.classes)), {"rocket": 0}),
        0.9,
        "",
    )
    subject.use(worse, version.number)

    def mask(_: object, net: object, photo: Known, alpha: float | None = None) -> np.ndarray:
        return photo.labels if net is untuned.affinity else np.full_like(photo.labels, 3)

    monkeypatch.setattr(type(subject), "mask", mask)
    add_mirrored(project)
    correct(project, *FOUR)
    messages: list[Message] = []
    for _ in Training(project, engine, untuned, messages.append).batches():
        if any(isinstance(message, ModelChanged) for message in messages):
            break
    changed = next(message for message in messages if isinstance(message, ModelChanged))
    assert changed.version == 0 and "taken back" in changed.note
    assert engine.models.affinity is untuned.affinity
    assert not any(known.current for known in project.model_versions())


def test_a_version_reads_back_with_its_folds(project: Project, engine: Engine) -> None:
    subject = trainer.worker.finetuning.subject_of(engine, photos=4)
    nets = [subject.blank(subject.classes) for _ in range(3)]
    for index, net in enumerate(nets):
        nn.init.constant_(net.head.fuse.weight, index)
    folds = {"a/b": 1, "c": 0}
    version = save_version(project, subject, Taught(nets[0], tuple(nets[1:]), folds, alpha=1.25), 0.5, "")
    same_kind, taught = load_version(version, engine)
    assert same_kind.name == subject.name and taught.fold_of == folds and taught.alpha == 1.25
    assert [net.head.fuse.weight[0, 0].item() for net in (taught.net, *taught.folds)] == [0, 1, 2]


def test_alpha_is_found_again_by_how_much_the_accepted_masks_cover(project: Project, engine: Engine) -> None:
    add_mirrored(project)
    subject = AffinitySubject(engine)

    def alpha(covered: float) -> float | None:
        photos = []
        for image in FOUR:
            mask = np.zeros(SIZES[image.replace("cat-mirrored", "chelsea").split("-")[0]], np.uint8)
            mask[: round(covered * len(mask))] = CAT
            project.accept(image, mask)
            photos.append(corrected_mask(project, project.record(image), engine.strokes))
        return result(subject.fitting_alpha(subject.blank(20), photos))

    little, much = alpha(0.1), alpha(0.9)
    assert little is not None and much is not None and little < much
    engine.settings = replace(engine.settings, mode="mean")
    assert alpha(0.5) is None, "it does not go by α"


def result(steps: Generator[None, None, float | None]) -> float | None:
    """What a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture
def many(project: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with photos enough for a segmentation network, which begins and learns in seconds."""
    add_mirrored(project)
    monkeypatch.setattr(trainer.worker.model_versions, "SEGMENTATION_FROM", 4)
    monkeypatch.setattr(trainer.worker.segmentation_subject, "BEGINNING_EPOCHS", 1)
    monkeypatch.setattr(trainer.worker.segmentation_subject.SegmentationSubject, "steps", 3)
    monkeypatch.setattr(trainer.worker.finetuning, "PATIENCE", 1)
    engine.settings = replace(engine.settings, mask_crf=False)
    return project


def test_with_the_first_correction_photos_to_rehearse_get_ready(
    project: Project, engine: Engine, notes: Notes
) -> None:
    add_mirrored(project)
    correct(project, FOUR[0])
    untuned = replace(engine.models, affinity=notes.net)  # type: ignore[arg-type]
    training = Training(project, engine, untuned, lambda _: None)
    assert not training.ready
    with pytest.raises(NothingToLearn):
        list(training.batches())
    assert training.ready
    assert {image for _, image in notes.judged} == set(FOUR[1:])  # the rocket is tagged as showing nothing


def test_before_the_fourth_correction_a_new_segmentation_network_gets_ready(
    many: Project, engine: Engine
) -> None:
    correct(many, FOUR[0])
    training = Training(many, engine, engine.models, lambda _: None)
    assert not training.ready
    with pytest.raises(NothingToLearn) as waiting:
        list(training.batches())
    assert waiting.value.count == 1 and training.ready
    assert engine.models.segmentation is None, "nothing is in use before there is evidence"


def test_a_segmentation_network_takes_the_place_of_propagation_by_evidence_and_gives_it_back(
    many: Project, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(many, *FOUR)
    untuned = engine.models
    monkeypatch.setattr(trainer.worker.finetuning, "paired", lambda *_: Verdict(0.1, 0.05, 0.2))
    messages: list[Message] = []
    for _ in Training(many, engine, untuned, messages.append).batches():
        if any(isinstance(message, Promoted) for message in messages):
            break
    promoted = next(message for message in messages if isinstance(message, Promoted))
    assert promoted.network == "segmentation" and engine.settings.segmentation
    photo = load_image(many.record("chelsea").path)
    assert engine.propose(photo, ["cat"]).source == SEGMENTATION
    version = many.model_versions()[-1]
    moon = many.add_class("moon")  # learnt before it, the version is read all the same
    engine.replace_models(classes=many.classes)
    subject, taught = load_version(version, engine)
    subject.use(taught.net, version.number)
    assert engine.propose(photo, ["cat", "moon"]).classes == (CAT, moon)
    engine.replace_models(segmentation=untuned.segmentation, version=0)
    assert engine.propose(photo, ["cat"]).source == "walk"


@pytest.mark.parametrize("segments", [True, False])
def test_a_class_that_nobody_learnt_is_proposed_once_some_photos_of_it_are_accepted(
    project: Project, engine: Engine, segments: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is judged as everything else is: by photos that the judged network has not learnt from."""
    add_mirrored(project)
    monkeypatch.setattr(SegmentationSubject, "steps", 12)
    monkeypatch.setattr(trainer.worker.finetuning, "PATIENCE", 1)
    moon = project.add_class("moon")
    engine.replace_models(classes=project.classes)
    if segments:
        network = new_head(engine.models.classifier.backbone, len(project.classes), seed=0)
        forget(network.classify, [moon, CAT])
        engine.replace_models(segmentation=network)
        engine.settings = replace(engine.settings, segmentation=True)
    photo = load_image(project.record("rocket").path)
    shown = np.zeros(photo.shape[:2], np.uint8)
    shown[20:100, 40:120] = CAT
    project.set_tags("rocket", ("cat",))
    project.store_proposal_mask("rocket", shown)  # to be rehearsed
    project.note_proposal("rocket", 0.5, engine.origin(("cat",)))
    assert not (engine.propose(photo, ["moon"]).mask == moon).any()
    known = engine.propose(photo, ["cat"])
    for image in FOUR:
        project.set_tags(image, ("moon",))
        height, width = load_image(project.record(image).path).shape[:2]
        mask = np.zeros((height, width), np.uint8)
        mask[height // 8 : -height // 8, width // 8 : -width // 8] = moon
        project.accept(image, mask)
    untuned, messages = engine.models, list[Message]()
    for _ in range(2):
        for _ in Training(project, engine, untuned, messages.append).batches():
            if sum(isinstance(message, Promoted) for message in messages) == 2:
                break
    assert any(isinstance(message, Promoted) for message in messages)
    proposal = engine.propose(photo, ["moon"])
    assert (proposal.mask == moon).any() and "moon" not in proposal.note
    again = engine.propose(photo, ["cat"])
    assert again.source == "walk", "what nobody corrected is not judged: it is propagated as before"
    assert (again.mask == known.mask).all()


def test_masks_are_judged_as_the_desk_shows_them_where_a_network_lacks_a_class(
    project: Project, engine: Engine
) -> None:
    correct(project, "chelsea")
    photo = corrected_mask(project, project.record("chelsea"), engine.strokes)
    photo = replace(photo, classes=(CAT,))
    subject = SegmentationSubject(engine)
    network = new_head(engine.models.classifier.backbone, 20, seed=0)
    forget(network.classify, [CAT])
    nn.init.constant_(network.classify.get_parameter("bias")[CAT], 1e4)  # by itself it would see nothing else
    assert (subject.mask(network, photo) == subject.mask(None, photo)).all()
    nn.init.ones_(network.classify.weight[CAT])
    assert (subject.mask(network, photo) == CAT).all()
