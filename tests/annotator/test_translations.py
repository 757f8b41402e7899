"""Every text a labeler can see is there in every language, with its placeholders."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QDialogButtonBox
from pytestqt.qtbot import QtBot

from annotator import i18n
from annotator.actions import ACTIONS, GROUPS, translated
from resources import path
from trainer import tag_learning, training, worker

ANNOTATOR = Path(i18n.__file__).parent
PLACEHOLDER = re.compile(r"\{[^}]*\}")


def texts() -> set[str]:
    """Collect what is given to `tr` and `translate`, and the table of actions."""
    found = set(GROUPS)
    for spec in ACTIONS:
        found |= {spec.text, spec.help}
    for file in ANNOTATOR.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                arguments = {"tr": node.args[:1], "translate": node.args[1:2]}.get(node.func.attr, [])
                found |= {
                    a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)
                }
    return found


@pytest.mark.parametrize("language", [name for name in i18n.LANGUAGES if name != "en"])
def test_every_text_is_translated(language: str) -> None:
    known = json.loads(path("translations", f"{language}.json").read_text(encoding="utf-8"))
    needed = texts()
    assert not needed - set(known), "missing"
    # The trainer thread speaks English; the panel looks its sentences up.
    said = "".join(Path(m.__file__).read_text(encoding="utf-8") for m in (worker, training, tag_learning))
    assert not {t for t in set(known) - needed if not all(part in said for part in t.split(": "))}, "unused"
    for source, translation in known.items():
        assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(translation)), source


@pytest.fixture
def chinese(qapp: QApplication) -> Iterator[None]:
    """The desk in Chinese, as it starts with that language."""
    installed = i18n.install(qapp, "zh_CN")
    yield
    for translator in installed:
        qapp.removeTranslator(translator)


@pytest.mark.usefixtures("chinese")
def test_a_chosen_language_is_shown() -> None:
    assert translated("Undo stroke") == "撤销笔画"


@pytest.mark.usefixtures("chinese")
def test_what_is_no_text_of_ours_is_left_to_qt(qtbot: QtBot) -> None:
    shown = [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in ("Ctrl+Z", "F1")]
    assert shown == ["Ctrl+Z", "F1"]
    choices = QDialogButtonBox.StandardButton
    buttons = QDialogButtonBox(choices.Save | choices.Discard)
    qtbot.addWidget(buttons)
    assert [buttons.button(choice).text() for choice in (choices.Save, choices.Discard)] == ["保存", "丢弃"]
