"""Messages of the trainer: English templates and their values, so that the desk can translate them."""

from __future__ import annotations

from collections.abc import Mapping

Part = tuple[str, Mapping[str, object]]
"""A template, and the values of its placeholders."""


class TranslatableText(str):
    """A text in English that remembers the templates it was made of; a plain string in all other ways.

    An f-string could not be translated: its values are part of it already.
    """

    parts: tuple[Part, ...]

    def __new__(cls, *parts: Part) -> TranslatableText:
        """Say the parts one after the other."""
        saying = super().__new__(cls, " ".join(template.format(**values) for template, values in parts))
        saying.parts = parts
        return saying

    def __getnewargs__(self) -> tuple[Part, ...]:  # type: ignore[override]
        """What a copy is made of, in this process or another; errors among the values become their text."""
        return tuple(
            (template, {name: _plain(value) for name, value in values.items()})
            for template, values in self.parts
        )


def translatable(template: str, **values: object) -> TranslatableText:
    """Return `template` with `values` in its placeholders; translations go by it, so it is a literal."""
    return TranslatableText((template, values))


def join_texts(*texts: str) -> TranslatableText:
    """Return texts one after the other; those that are no TranslatableText stay English."""
    return TranslatableText(
        *(
            part
            for text in texts
            for part in (text if isinstance(text, TranslatableText) else _as_is(text)).parts
        )
    )


def error_message(error: Exception) -> TranslatableText:
    """Return what an error says."""
    (text, *_) = error.args or ("",)
    return text if isinstance(text, TranslatableText) else _as_is(str(error))


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float) else str(value)


def _as_is(text: str) -> TranslatableText:
    return TranslatableText(("{text}", {"text": text}))
