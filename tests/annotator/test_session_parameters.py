"""The method's parameters: the seed cues follow them, and the project keeps them."""

from pytestqt.qtbot import QtBot

from annotator.session import Session


def test_moving_the_seed_parameters_moves_the_seeds(cat: Session, qtbot: QtBot) -> None:
    before = cat.seeds.copy()
    with qtbot.waitSignal(cat.layer_changed, timeout=10000, check_params_cb=lambda name, _: name == "seeds"):
        cat.parameters.move_seeds(0.2, 30.0, 0.9, final=False)
    assert (cat.seeds != before).any()
    assert cat.settings.threshold != 0.9
    cat.parameters.move_seeds(0.5, 4.0, 0.3)
    assert cat.project.setting("method")["threshold"] == 0.3
