"""Dark and light themes: named colours, and a palette and style sheet made from them."""

import json
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from annotator import icons
from resources import path

CHOICES = ("system", "dark", "light")
_ROLES = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "base",
    QPalette.ColorRole.AlternateBase: "raised",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "accent_text",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "accent_text",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.PlaceholderText: "muted",
    QPalette.ColorRole.Mid: "border",
    QPalette.ColorRole.Dark: "border",
}
_DIMMED = (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText)


class Theme(QObject):
    """The colours in use; follows the system until a choice is made."""

    changed = Signal()

    def __init__(self, choice: str = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice = choice
        self.colours: dict[str, str] = {}
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @property
    def choice(self) -> str:
        """ "system", "dark" or "light"."""
        return self._choice

    @choice.setter
    def choice(self, value: str) -> None:
        self._choice = value
        self._apply()

    @property
    def dark(self) -> bool:
        """Whether the dark colours are in use."""
        if self._choice == "system":
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._choice == "dark"

    def colour(self, name: str) -> QColor:
        """A named colour, such as "accent" or "muted"."""
        return QColor(self.colours[name])

    def icon(self, name: str, colour: str = "icon") -> QIcon:
        """An icon of qtawesome's font "mdi6", in a named colour."""
        colours = {
            QIcon.Mode.Normal: self.colours[colour],
            QIcon.Mode.Disabled: self.colours["faint"],
            QIcon.Mode.Active: self.colours["text"],
        }
        return icons.icon(name, colours)

    def _apply(self) -> None:
        file = path("themes", "dark.json" if self.dark else "light.json")
        self.colours = json.loads(file.read_text(encoding="utf-8"))
        palette = QPalette()
        for role, name in _ROLES.items():
            palette.setColor(role, self.colour(name))
        for role in _DIMMED:
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.colour("faint"))
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setStyle("Fusion")
        app.setPalette(palette)
        sheet = Template(path("themes", "desk.qss").read_text(encoding="utf-8"))
        app.setStyleSheet(sheet.substitute(self.colours, folder=path("themes").as_posix()))
        self.changed.emit()
