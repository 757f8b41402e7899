"""Models that are exchanged: said, followed, and nothing of an older one is shown."""

import shutil
from itertools import count
from pathlib import Path
from threading import Event

from desk import small_engine, wait_settled
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.session.engine_loading import Loaded
from annotator.session.models import WEIGHTS
from trainer.data.project import Project
from trainer.errors import WeightsError
from trainer.translatable import TranslatableText
from trainer.worker.messages import ModelChanged, Predicted, Promoted


def test_only_a_model_that_was_asked_for_is_announced(cat: Session) -> None:
    told: list[tuple[str, str]] = []
    cat.message.connect(lambda *message: told.append(message))
    cat.predictor.hear(Promoted(3, 0.9, "affinity"))
    assert told == []
    cat.predictor.hear(ModelChanged(2, TranslatableText()))
    assert told == [("info", "Model 2 is in use now; photos that nobody has touched follow it.")]


def test_the_alpha_that_fits_a_promoted_model_is_used_and_kept(cat: Session) -> None:
    low = cat.settings.alpha_low
    cat.predictor.hear(Promoted(3, 0.9, "affinity", alpha=1.75))
    assert cat.settings.alpha == 1.75 and cat.settings.alpha_low == low, "the seed cues are the classifier's"
    assert cat.writer.finish()
    (kept,) = cat.project.setting("alphas", {}).values()
    assert kept == {"alpha": 1.75}
    cat.parameters.change(alpha=0.5)
    cat.parameters.reset()
    assert cat.settings.alpha == 1.75
    cat.predictor.hear(ModelChanged(0, TranslatableText(), alpha=0.7))
    assert cat.settings.alpha == 0.7


def test_a_proposal_of_an_older_model_is_dropped(cat: Session) -> None:
    shown, old = cat.proposal, object()
    cat.predictor.hear(Predicted("chelsea", cat.record.tags, cat.settings, 99, 0, old))
    assert cat.proposal is shown and cat.predictor.known("chelsea") is not old


def test_models_that_were_exchanged_while_they_loaded_have_no_say_any_more(
    sample: Path, qtbot: QtBot
) -> None:
    going, asked = Event(), count()

    def load(project: Project) -> Loaded:
        if next(asked) == 0:
            going.wait(60)
            raise WeightsError("these weights are damaged")
        return small_engine(project)

    session = Session(load)
    told: list[str] = []
    session.message.connect(lambda kind, text: told.append(text))
    with qtbot.waitSignal(session.image_changed, timeout=10000):
        session.open_project(sample)
    session.models.reload()
    going.set()
    wait_settled(session, qtbot)
    assert session.jobs.finish()
    QApplication.processEvents()
    assert session.engine is not None and not told
    assert session.close()


def test_weights_are_the_choice_of_their_project(sample: Path, tmp_path: Path, qtbot: QtBot) -> None:
    asked: list[tuple[str, str]] = []

    def load(project: Project) -> Loaded:
        asked.append((project.root.name, project.setting(WEIGHTS, "")))
        return small_engine(project)

    other = tmp_path / "other"
    shutil.copytree(sample, other)
    session = Session(load)
    session.open_project(sample)
    wait_settled(session, qtbot)
    with qtbot.waitSignal(session.engine_changed, timeout=10000):
        session.models.choose("mine.safetensors")
    for folder in (other, sample):
        with qtbot.waitSignal(session.engine_changed, timeout=10000):
            session.open_project(folder)
    chosen = ("sample", "mine.safetensors")
    assert asked == [("sample", ""), chosen, ("other", ""), chosen]
    assert session.close()
