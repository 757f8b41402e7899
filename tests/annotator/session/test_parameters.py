"""The method's parameters: the seed cues follow them, and the project keeps them."""

from pathlib import Path
from threading import Event

import pytest
from desk import random_backbone, wait_settled
from pytestqt.qtbot import QtBot

from annotator.session import Session
from annotator.session.engine_loading import load_engine
from trainer.data.project import Project
from trainer.errors import DataError
from trainer.method.settings import Settings
from trainer.models.bundle import Bundle, save_models
from trainer.models.classifier import CamClassifier


def test_moving_the_seed_parameters_moves_the_seeds(cat: Session, qtbot: QtBot) -> None:
    before = cat.seeds.copy()
    with qtbot.waitSignal(cat.layer_changed, timeout=10000, check_params_cb=lambda name, _: name == "seeds"):
        cat.parameters.move_seeds(0.2, 30.0, 0.9, final=False)
    assert (cat.seeds != before).any()
    assert cat.settings.threshold != 0.9
    cat.parameters.move_seeds(0.5, 4.0, 0.3)
    cat.writer.finish()
    assert cat.project.setting("method")["threshold"] == 0.3


def test_nobody_waits_while_parameters_are_written(cat: Session) -> None:
    may_write = Event()
    cat.writer.submit(lambda: may_write.wait(60))
    cat.parameters.change(threshold=0.4)
    cat.parameters.change(smallest_part=0.01)
    assert cat.settings is not None and cat.settings.threshold == 0.4
    assert cat.project.setting("method") is None
    may_write.set()
    cat.writer.finish()
    assert cat.project.setting("method") == {"threshold": 0.4, "smallest_part": 0.01}


def test_parameters_that_the_disk_refuses_are_in_use_all_the_same(
    cat: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DataError("the disk is full")

    monkeypatch.setattr(Project, "set_setting", full)
    with qtbot.waitSignal(cat.message, timeout=10000) as told:
        cat.parameters.change(threshold=0.4)
    assert told.args == ["error", "the disk is full"]
    assert cat.settings is not None and cat.settings.threshold == 0.4


def test_exponents_found_for_some_weights_do_not_serve_others(
    sample: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    files = {name: tmp_path / f"{name}.safetensors" for name in ("one", "two")}
    for name, alpha in (("one", 1.5), ("two", 2.5)):
        info = Settings(scales=(1.0,)).calibrated(alpha, alpha).of_models
        save_models(files[name], Bundle(("cat",), CamClassifier(random_backbone(), 1), info=info))
    chosen = ["one"]
    session = Session(lambda project: load_engine(project, str(files[chosen[0]])))

    def load(name: str) -> Settings:
        chosen[0] = name
        with qtbot.waitSignal(session.models.ready, timeout=20000):
            session.models.reload()
        assert session.settings is not None
        return session.settings

    session.open_project(sample)
    wait_settled(session, qtbot)
    session.parameters.move_seeds(0.2, 0.9, threshold=0.1)
    session.parameters.change(mode="mean")
    moved = session.settings
    assert moved is not None and moved.alpha_low == 0.2
    other = load("two")
    assert other.alpha == 2.5 and other.alpha_low != 0.2
    assert other.mode == "mean", "what a person prefers holds for all weights"
    again = load("one")
    assert (again.alpha, again.alpha_low, again.alpha_high) == (moved.alpha, 0.2, 0.9)
    assert session.close()
