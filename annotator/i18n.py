"""The desk in other languages: one JSON file each, English text → translation."""

import json

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator

from resources import path
from trainer.errors import UserError
from trainer.translatable import TranslatableText, error_message

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}


class Catalogue(QTranslator):
    """A translator that looks texts up by themselves, whichever class asks."""

    def __init__(self, language: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        file = path("translations", f"{language}.json")
        self.texts: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def translate(  # type: ignore[override]  # PySide's stubs forget the null string
        self, context: str, source: str, disambiguation: str | None = None, n: int = -1
    ) -> str | None:
        """The translation of `source`; None where it is none of ours, so that Qt's own catalogue is asked.

        To Qt "" is a translation, and it would show nothing.
        """
        return self.texts.get(source)

    def isEmpty(self) -> bool:
        """Whether there is nothing to look up."""
        return not self.texts


def chosen(language: str) -> str:
    """The language to use for a setting: itself, or the one nearest to the system's."""
    if language in LANGUAGES:
        return language
    return "zh_CN" if QLocale.system().language() == QLocale.Language.Chinese else "en"


def install(app: QCoreApplication, language: str) -> list[QTranslator]:
    """Show the program and Qt's own dialogs in a language of `LANGUAGES`, or "system".

    Returns the translators that do so.
    """
    name = chosen(language)
    if name == "en":
        return []
    qts = QTranslator(app)
    qts.load(f"qtbase_{name}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    translators = [qts, Catalogue(name, app)]  # the one installed last is asked first
    for translator in translators:
        app.installTranslator(translator)
    return translators


def localised(text: str) -> str:
    """What the trainer said, in the present language; a text that it did not say stays as it is."""
    if not isinstance(text, TranslatableText):
        return text
    return " ".join(
        QCoreApplication.translate("trainer", template).format(
            **{
                name: localised(value) if isinstance(value, TranslatableText) else value
                for name, value in values.items()
            }
        )
        for template, values in text.parts
    )


def sentence(text: str) -> str:
    """What the trainer said, as a sentence that stands by itself: as `localised`, with a large first letter.

    A value with which it begins, such as the name of a file, stays as it is.
    """
    shown = localised(text)
    if not isinstance(text, TranslatableText):
        return shown
    first, _ = text.parts[0]
    begins_with_value = QCoreApplication.translate("trainer", first).startswith("{")
    return shown if begins_with_value else shown[:1].upper() + shown[1:]


def error_text(error: Exception) -> str:
    """What an error says to a person, in the present language; of a fault of the program its kind too."""
    return (
        sentence(error_message(error)) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    )
