"""The menu bar: the table of actions, and what only menus offer: panels, colours, language, recent paths."""

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu

from annotator.actions import ACTIONS, FILE, GROUPS, VIEW, Actions, translated
from annotator.i18n import LANGUAGES
from annotator.session.cover import cover_of
from annotator.settings import DeskSettings
from annotator.theme import CHOICES, Theme

HIDDEN = {"peek", "look", *(f"class_{n}" for n in range(10))}  # keys only, they have no place in a menu
PARTED = (  # a line stands above each
    *(
        "look_for_photos",
        "weights",
        "quit",
        "classes",
        "flag",
        "accept_chosen",
        "next",
        "copy_mask",
        "sort_again",
        "add_tag",
    ),
    *(
        "larger",
        "paint_seeds",
        "fill_holes",
        "undecided",
        "zoom_in",
        "adjust_photo",
        "show_image",
        "full_screen",
    ),
)


class Menus(QObject):
    """Fills the menu bar of a window: one menu for each group of the table, in its order."""

    recent_wanted = Signal(object)  # Path
    message = Signal(str, str)  # level, text

    def __init__(
        self,
        window: QMainWindow,
        actions: Actions,
        docks: Iterable[QDockWidget],
        settings: DeskSettings,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._settings, self._theme = settings, theme
        menus = {group: window.menuBar().addMenu(translated(group)) for group in GROUPS}
        window.addActions(list(actions.by_id.values()))  # so that the hidden ones' keys work, too
        for spec in ACTIONS:
            if spec.id not in HIDDEN:
                if spec.id in PARTED:
                    menus[spec.group].addSeparator()
                menus[spec.group].addAction(actions[spec.id])
        panels = menus[VIEW].addMenu(self.tr("Panels"))
        for dock in docks:
            panels.addAction(dock.toggleViewAction())
        self.colours = self._add_colours(menus[VIEW])
        self._add_languages(menus[VIEW])
        self.recent = QMenu(self.tr("Open recent"), window)
        self.recent.setProperty("recent", True)
        menus[FILE].insertMenu(actions["open_sample"], self.recent)
        self.list_recent()

    def list_recent(self) -> None:
        """Show what was opened lately."""
        self.recent.clear()
        for path in self._settings.recent:
            action = self.recent.addAction(QIcon(str(cover_of(path))), str(path))
            action.triggered.connect(lambda _=False, path=path: self.recent_wanted.emit(path))
        self.recent.setEnabled(bool(self._settings.recent))

    def _add_colours(self, view: QMenu) -> dict[str, QAction]:
        names = {"system": self.tr("Like the system"), "dark": self.tr("Dark"), "light": self.tr("Light")}
        menu, group = view.addMenu(self.tr("Colours")), QActionGroup(self)
        actions = {choice: menu.addAction(names[choice]) for choice in CHOICES}
        for choice, action in actions.items():
            action.setCheckable(True)
            action.setChecked(choice == self._theme.choice)
            action.triggered.connect(lambda _=False, choice=choice: self._choose_theme(choice))
            group.addAction(action)
        return actions

    def _add_languages(self, view: QMenu) -> None:
        menu, group = view.addMenu(self.tr("Language")), QActionGroup(self)
        for code, name in {"system": self.tr("Like the system"), **LANGUAGES}.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(code == self._settings.language)
            action.triggered.connect(lambda _=False, code=code: self._choose_language(code))
            group.addAction(action)

    def _choose_theme(self, choice: str) -> None:
        self._settings.theme = self._theme.choice = choice

    def _choose_language(self, code: str) -> None:
        self._settings.language = code
        self.message.emit("info", self.tr("The language changes at the next start."))
