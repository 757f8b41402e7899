"""A labeler lets the desk learn from tags alone: the real button, and the project opened again."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from desk import go_to, random_backbone, wait_settled
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

import trainer.worker.tag_learning
from annotator.session.engine_loading import load_engine
from annotator.shell.window import Window
from trainer.data.digest import file_digest
from trainer.data.project import Project
from trainer.learn.augment import Augmentation
from trainer.models.bundle import Bundle, save_models
from trainer.models.classifier import CamClassifier
from trainer.models.registry import BUNDLED
from trainer.worker.tag_learning import FILE


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let networks learn for a moment only."""
    for name in ("CLASSIFIER_RECIPE", "AFFINITY_RECIPE"):
        recipe = replace(
            getattr(trainer.worker.tag_learning, name),
            epochs=1,
            views=Augmentation(long_side=(64, 96), crop=64),
        )
        monkeypatch.setattr(trainer.worker.tag_learning, name, recipe)
    monkeypatch.setattr(trainer.worker.tag_learning, "LEAST_STEPS", 1)


def test_the_button_teaches_the_classes_and_proposals_follow(
    quick: None, window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = window.session
    assert session.engine is not None and session.project is not None and session.proposal is not None
    before, cams = session.engine.models.classifier, session.proposal.spreading.cams
    window.docks["trainer"].raise_()
    with qtbot.waitSignal(session.predictor.tags_learnt, timeout=60000):
        qtbot.mouseClick(window.trainer.learn, Qt.MouseButton.LeftButton)
    wait_settled(session, qtbot)

    assert session.proposal.spreading.cams is cams  # the photo in work stays as it is
    go_to(session, session.order[1], qtbot)
    go_to(session, session.order[0], qtbot)
    assert (session.proposal.spreading.cams != cams).any()
    assert session.engine.models.classifier is not before
    assert any("learnt from the tags" in text for text in window.messages.texts)
    assert (session.project.models_dir / FILE).is_file()
    monkeypatch.setattr("trainer.engine.engine.LIKELY", 0.01)  # it has learnt little, but of every class
    assert len(session.predictor.suggest_tags(session.image)) == len(session.classes)


def test_what_was_learnt_is_used_at_the_next_start_and_damage_is_told(sample: Path) -> None:
    project = Project.open_folder(sample)
    assert "The built-in model does not know rocket" in load_engine(project).warning
    classifier = CamClassifier(random_backbone(), len(project.classes))
    info = {"base": file_digest(BUNDLED)}
    save_models(project.models_dir / FILE, Bundle(project.classes.names, classifier, info=info))
    project.add_class("moon")
    again = load_engine(project)
    assert again.warning == "" and again.engine.models.classes == project.classes
    rows = again.engine.models.classifier.head.weight
    assert torch.equal(rows[:-1], classifier.head.weight) and not rows[-1].any()
    chosen = sample / "chosen.safetensors"
    save_models(
        chosen, Bundle(project.classes.names[:-1], CamClassifier(random_backbone(), len(project.classes) - 1))
    )
    assert load_engine(project, str(chosen)).engine.models.digest == file_digest(chosen)
    file = project.models_dir / FILE
    file.write_bytes(file.read_bytes()[:500])
    fallen_back = load_engine(project)
    assert FILE in fallen_back.warning and "Learn from the tags again" in fallen_back.warning
    project.close()
