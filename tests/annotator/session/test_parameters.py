"""The method's parameters: the seed cues follow them, and the project keeps them."""

import pytest
from pytestqt.qtbot import QtBot

from annotator.session import Session
from trainer.data.project import Project
from trainer.errors import DataError


def test_moving_the_seed_parameters_moves_the_seeds(cat: Session, qtbot: QtBot) -> None:
    before = cat.seeds.copy()
    with qtbot.waitSignal(cat.layer_changed, timeout=10000, check_params_cb=lambda name, _: name == "seeds"):
        cat.parameters.move_seeds(0.2, 30.0, 0.9, final=False)
    assert (cat.seeds != before).any()
    assert cat.settings.threshold != 0.9
    cat.parameters.move_seeds(0.5, 4.0, 0.3)
    assert cat.project.setting("method")["threshold"] == 0.3


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
