"""Sentences that can be translated travel like plain strings."""

import copy
import json
import pickle
from pathlib import Path

import pytest

from trainer.translatable import TranslatableText, join_texts, translatable


@pytest.mark.parametrize("carry", [copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))])
def test_a_sentence_can_be_copied_and_sent_to_another_process(carry) -> None:
    inner = translatable("{path} is damaged ({problem})", path=Path("a.jpg"), problem=OSError(5, "no luck"))
    text = join_texts(translatable("Left out: {why}; {n:.1f} %", why=inner, n=2.25), "As it is.")
    carried = carry(text)
    assert carried == text == "Left out: a.jpg is damaged ([Errno 5] no luck); 2.2 % As it is."
    assert isinstance(carried, TranslatableText) and isinstance(carried.parts[0][1]["why"], TranslatableText)
    assert [template for template, _ in carried.parts] == [template for template, _ in text.parts]
    assert json.loads(json.dumps(carried)) == text
