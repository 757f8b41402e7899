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

import trainer
from annotator import i18n
from annotator.actions import ACTIONS, GROUPS, translated
from resources import path
from trainer.data.images import load_image
from trainer.data.project import Project
from trainer.errors import DataError
from trainer.translatable import join_texts, translatable

ANNOTATOR, TRAINER = Path(i18n.__file__).parent, Path(trainer.__file__).parent
PLACEHOLDER = re.compile(r"\{[^}]*\}")


def calls(folder: Path) -> Iterator[ast.Call]:
    """The calls in a folder's modules."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def texts_of_the_desk() -> set[str]:
    """What is given to `tr` and `translate`, and the table of actions."""
    found = set(GROUPS)
    for spec in ACTIONS:
        found |= {spec.text, spec.help}
    for call in calls(ANNOTATOR):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        arguments = {"tr": call.args[:1], "translate": call.args[1:2]}.get(method, [])
        found |= {a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def texts_of_the_trainer() -> set[str]:
    """The templates it says: literals all, or they could not be looked up."""
    said = (
        call for call in calls(TRAINER) if isinstance(call.func, ast.Name) and call.func.id == "translatable"
    )
    return {ast.literal_eval(call.args[0]) for call in said}


@pytest.mark.parametrize("language", [name for name in i18n.LANGUAGES if name != "en"])
def test_every_text_is_translated(language: str) -> None:
    known = json.loads(path("translations", f"{language}.json").read_text(encoding="utf-8"))
    needed = texts_of_the_desk() | texts_of_the_trainer()
    assert not needed - set(known), "missing"
    assert not set(known) - needed, "unused"
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
    assert translated("Undo") == "撤销"


@pytest.mark.usefixtures("chinese")
def test_what_is_no_text_of_ours_is_left_to_qt(qtbot: QtBot) -> None:
    shown = [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in ("Ctrl+Z", "F1")]
    assert shown == ["Ctrl+Z", "F1"]
    choices = QDialogButtonBox.StandardButton
    buttons = QDialogButtonBox(choices.Save | choices.Discard)
    qtbot.addWidget(buttons)
    assert [buttons.button(choice).text() for choice in (choices.Save, choices.Discard)] == ["保存", "丢弃"]


@pytest.mark.usefixtures("chinese")
def test_an_error_tells_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(DataError) as refused:
        load_image(tmp_path / "empty.png")
    assert i18n.error_text(refused.value) == f"{tmp_path / 'empty.png'} 是空文件；请替换或移除"
    (tmp_path / "project.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(DataError) as refused:
        Project.open(tmp_path / "project.sqlite")
    told = i18n.error_text(refused.value)
    assert "已损坏" in told and told.endswith("请从副本恢复，或删除它重新开始；缓存会自动重建")
    assert i18n.error_text(KeyError("mode")) == "KeyError: 'mode'"


def test_what_the_trainer_says_begins_as_a_sentence_does_but_for_names() -> None:
    refused = translatable("cannot write {path}", path="a.png")
    assert i18n.error_text(DataError(refused)) == "Cannot write a.png"
    assert i18n.sentence(translatable("{path} is damaged", path="a.png")) == "a.png is damaged"
    within = translatable("Left out: {problem}", problem=refused)
    assert i18n.sentence(within) == "Left out: cannot write a.png"


@pytest.mark.usefixtures("chinese")
def test_what_the_trainer_says_is_told_with_its_values() -> None:
    said = join_texts(
        translatable("Tag at least two images first: the classes are learnt from the tags."),
        translatable(
            "Training continues without {image}: {problem}.", image="cat", problem="cat.jpg is damaged"
        ),
    )
    assert said.startswith("Tag at least two") and said.endswith(
        "Training continues without cat: cat.jpg is damaged."
    )
    assert (
        i18n.localised(said)
        == "请先给至少两张图像加标签：类别是从标签中学习的。 学习时略过 cat：cat.jpg is damaged。"
    )
    assert i18n.localised("cat.jpg is damaged") == "cat.jpg is damaged"
