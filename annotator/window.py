"""The main window: docks, bars and wiring; what happens lives in the session and the panels."""

import logging
import traceback
from pathlib import Path
from types import TracebackType
from typing import cast

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QActionGroup, QCloseEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QDockWidget,
    QFileDialog,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from annotator.actions import ACTIONS, FILE, VIEW, Actions, spec_of, translated
from annotator.canvas.inspect import InspectView
from annotator.canvas.view import CanvasView
from annotator.dialogs.about import AboutDialog, DetailsDialog
from annotator.dialogs.classes import ClassesDialog
from annotator.dialogs.export import ExportDialog
from annotator.dialogs.keys import KeysDialog
from annotator.i18n import LANGUAGES
from annotator.messagebar import MessageBar
from annotator.panels.images import ImagesPanel
from annotator.panels.inspector import InspectorPanel
from annotator.panels.layers import LayersPanel
from annotator.panels.seeds import SeedsPanel
from annotator.panels.tags import TagsPanel
from annotator.panels.trainer import TrainerPanel
from annotator.sample import sample_folder
from annotator.session import Session
from annotator.settings import DeskSettings
from annotator.statusbar import StatusBar
from annotator.theme import CHOICES, Theme
from annotator.toolbars import MainBar, ToolsBar, fill_menus
from annotator.welcome import EmptyDesk, WelcomeStrip
from trainer.data.classes import EDIT_VOID
from trainer.data.project import Status, Target

FIRST_SIZE = QSize(1440, 900)
VERSION = 1  # of the dock layout that is remembered
TABBED = ("seeds", "trainer", "inspector")
LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea


class Window(QMainWindow):
    """The desk."""

    def __init__(self, session: Session, settings: DeskSettings, theme: Theme) -> None:
        super().__init__()
        self.session, self.settings, self.theme = session, settings, theme
        self.setWindowTitle("Affinity Annotator")
        self.setDockNestingEnabled(True)
        self.actions_table = Actions(settings, self)
        session.brush_radius = settings.brush_radius
        self.canvas, self.inspect_view = CanvasView(session), InspectView(session)
        self.images, self.tags = ImagesPanel(session, theme), TagsPanel(session, theme)
        self.layers, self.inspector = LayersPanel(session, self.canvas), InspectorPanel(session)
        self.seeds, self.trainer = SeedsPanel(session), TrainerPanel(session, theme)
        self.messages = MessageBar(theme)
        self._warned = False
        self._weights_warning = ""
        self._place()
        self._dock()
        self._wire()
        geometry, state = settings.layout
        if not self.restoreGeometry(geometry):
            self.resize(FIRST_SIZE.boundedTo(self.screen().availableSize()))
        self.restoreState(state, VERSION)

    # -- What the actions do ---------------------------------------------------------------------------------

    def open_path(self, path: Path) -> None:
        """Open a folder of images or a project file."""
        self.messages.clear()
        self.session.open_project(path)

    def open_folder(self) -> None:
        """Ask for a folder of photos and open it."""
        if folder := QFileDialog.getExistingDirectory(
            self, self.tr("Open a folder of photos or a VOC data set")
        ):
            self.open_path(Path(folder))

    def open_project_file(self) -> None:
        """Ask for a project file and open it."""
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Open a project"), "", self.tr("Projects (*.sqlite)")
        )
        if name:
            self.open_path(Path(name))

    def open_sample(self) -> None:
        """Open the sample photos."""
        self.open_path(sample_folder())

    def export(self) -> None:
        """Export the project's masks."""
        if self.session.project is not None:
            ExportDialog(self.session, self).open()

    def choose_weights(self) -> None:
        """Choose the pretrained network."""
        from annotator.dialogs.weights import WeightsDialog  # imports torch: the window does not wait

        dialog = WeightsDialog(self.session.jobs, self.settings, self)
        dialog.accepted.connect(self.session.reload_engine)
        dialog.open()

    def edit_classes(self, name: str = "") -> None:
        """Show the class list, with `name` ready to be added."""
        if self.session.project is not None:
            dialog = ClassesDialog(self.session, name, self)
            if name:
                dialog.added.connect(self.tags.add)
            dialog.open()

    def show_keys(self) -> None:
        """Show all keys on one sheet."""
        KeysDialog(self.actions_table, self).open()

    def about(self) -> None:
        """Say what this program is."""
        AboutDialog(self).open()

    def use_tool(self, key: str) -> None:
        """Take up a tool."""
        self.session.tool = key

    def scale_brush(self, factor: float) -> None:
        """Make the brush larger or smaller."""
        self.session.brush_radius = min(max(self.session.brush_radius * factor, 0.5), 500.0)

    def paint_on(self, target: str) -> None:
        """Paint on "seeds" or "mask"."""
        self.session.target = Target(target)
        if self.session.target is Target.SEEDS and self.session.class_id == EDIT_VOID:
            self.tags.choose(1)

    def protect_others(self, on: bool) -> None:
        """Let strokes leave other painted classes alone."""
        self.session.protect_others = on

    def choose_class(self, number: int) -> None:
        """Paint the class with this number in the Tags panel."""
        self.tags.choose(number)

    def paint_undecided(self) -> None:
        """Mark pixels of the mask as undecided."""
        self.session.target = Target.MASK
        self.session.class_id = EDIT_VOID

    def peek(self, on: bool) -> None:
        """Hide all layers while `on`."""
        self.canvas.peek(on)
        self.inspect_view.peek(on)

    def zoom(self, factor: float) -> None:
        """Zoom the view that is shown."""
        (self.inspect_view if self._inspecting() else self.canvas).zoom(factor)

    def fit(self) -> None:
        """Show the whole image."""
        (self.inspect_view if self._inspecting() else self.canvas).fit()

    def toggle_layer(self, name: str) -> None:
        """Show or hide a layer."""
        self.canvas.set_layer_visible(name, not self.canvas.layer_visible(name))

    def inspect(self, on: bool) -> None:
        """Show the four panes instead of the canvas."""
        self._show_centre()
        self._show_zoom()

    def full_screen(self, on: bool) -> None:
        """Fill the screen."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def show_welcome(self) -> None:
        """Bring the first steps back."""
        self.welcome.show()

    # -- Putting it together ---------------------------------------------------------------------------------

    def _place(self) -> None:
        self.empty = EmptyDesk(self.theme, self.settings.recent)
        self.welcome = WelcomeStrip(self.theme)
        self.welcome.setVisible(not self.settings.welcomed)
        self.centre = QStackedWidget()
        for view in (self.empty, self.canvas, self.inspect_view):
            self.centre.addWidget(view)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.welcome, self.messages):
            layout.addWidget(widget)
        layout.addWidget(self.centre, 1)
        self.setCentralWidget(middle)
        self.menus = fill_menus(self, self.actions_table)
        self.main_bar = MainBar(self.actions_table, self.session, self.theme, self)
        self.tools_bar = ToolsBar(self.actions_table, self)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.main_bar)
        self.addToolBar(Qt.ToolBarArea.LeftToolBarArea, self.tools_bar)
        self.status = StatusBar(self.session, self.trainer, self.theme)
        self.setStatusBar(self.status)

    def _dock(self) -> None:
        panels = (
            ("images", self.tr("Images"), self.images, LEFT),
            ("tags", self.tr("Tags"), self.tags, RIGHT),
            ("layers", self.tr("Layers"), self.layers, RIGHT),
            ("seeds", self.tr("Seeds"), self.seeds, RIGHT),
            ("trainer", self.tr("Trainer"), self.trainer, RIGHT),
            ("inspector", self.tr("Inspector"), self.inspector, RIGHT),
        )
        self.docks: dict[str, QDockWidget] = {}
        for name, title, panel, area in panels:
            dock = QDockWidget(title, self)
            dock.setObjectName(name)
            panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            dock.setWidget(panel)
            dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetMovable)
            if name in TABBED:  # the tab is the title
                dock.setTitleBarWidget(QWidget())
            self.addDockWidget(area, dock)
            self.docks[name] = dock
        self.setTabPosition(RIGHT, QTabWidget.TabPosition.North)
        for name in TABBED[1:]:
            self.tabifyDockWidget(self.docks["seeds"], self.docks[name])
        self.docks["seeds"].raise_()
        right = [self.docks[name] for name in ("tags", "layers", "seeds")]
        self.resizeDocks(right, [190, 180, 470], Qt.Orientation.Vertical)
        self.resizeDocks([self.docks["images"], self.docks["tags"]], [250, 300], Qt.Orientation.Horizontal)

    def _wire(self) -> None:
        session, actions = self.session, self.actions_table
        actions.connect_slots(
            {
                "window": self,
                "session": session,
                "tags": self.tags,
                "images": self.images,
                "trainer": self.trainer,
            }
        )
        self._fill_menus()
        self.welcome.dismissed.connect(self._put_welcome_away)
        self.empty.folder_wanted.connect(self.open_folder)
        self.empty.sample_wanted.connect(self.open_sample)
        self.empty.recent_wanted.connect(self.open_path)
        self.tags.class_wanted.connect(self.edit_classes)
        for view in (self.canvas, self.inspect_view):
            view.zoom_changed.connect(self._show_zoom)
            view.hovered.connect(self.status.show_cursor)
            view.hovered.connect(self.inspector.show_at)
        session.project_opened.connect(self._project_opened)
        session.image_changed.connect(self._image_changed)
        session.message.connect(self._show_message)
        session.weights_warning.connect(self._warn_of_weights)
        session.undo_changed.connect(self._enable_undo)
        session.paint_changed.connect(self._follow_paint)
        session.record_changed.connect(lambda _: self._enable())
        self.theme.changed.connect(self._icons)
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)
        self._icons()
        self._follow_paint()
        self._enable_undo(False, False)
        self._enable()
        self._show_centre()

    def _fill_menus(self) -> None:
        view = self.menus[VIEW]
        panels = view.addMenu(self.tr("Panels"))
        for dock in self.docks.values():
            panels.addAction(dock.toggleViewAction())
        names = {"system": self.tr("Like the system"), "dark": self.tr("Dark"), "light": self.tr("Light")}
        themes, group = view.addMenu(self.tr("Colours")), QActionGroup(self)
        for choice in CHOICES:
            action = themes.addAction(names[choice])
            action.setCheckable(True)
            action.setChecked(choice == self.theme.choice)
            action.triggered.connect(lambda _=False, choice=choice: self._choose_theme(choice))
            group.addAction(action)
        languages, spoken = view.addMenu(self.tr("Language")), QActionGroup(self)
        for code, name in {"system": self.tr("Like the system"), **LANGUAGES}.items():
            action = languages.addAction(name)
            action.setCheckable(True)
            action.setChecked(code == self.settings.language)
            action.triggered.connect(lambda _=False, code=code: self._choose_language(code))
            spoken.addAction(action)
        self.recent_menu = self.menus[FILE].addMenu(self.tr("Open recent"))
        self._list_recent()

    # -- Following the session -------------------------------------------------------------------------------

    def _project_opened(self) -> None:
        project = self.session.project
        assert project is not None
        self.settings.add_recent(project.root)
        self._list_recent()
        self.setWindowTitle(f"{project.root.name} – Affinity Annotator")
        if project.problems:
            first, rest = project.problems[0], "\n".join(project.problems)
            text = first if len(project.problems) == 1 else f"{first}\n\n{rest}"
            self._show_message("warning", text)
        self._show_centre()
        self._enable()

    def _image_changed(self, image_id: str) -> None:
        assert self.session.project is not None
        self.setWindowTitle(f"{image_id} · {self.session.project.root.name} – Affinity Annotator")
        self._show_zoom()
        self._enable()
        if not self._typing():
            self.canvas.setFocus()

    def _show_message(self, level: str, text: str) -> None:
        if "\n\n" in text:
            self.messages.show_message(
                level, text, (self.tr("Details"), lambda: DetailsDialog(text, self).open())
            )
        else:
            self.messages.show_message(level, text)

    def report_fault(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Show a fault of the program, with what a report needs; the work goes on."""
        details = "".join(traceback.format_exception(kind, error, trace))
        logging.getLogger(__name__).error(details)
        self._show_message(
            "error", self.tr("Something went wrong in the program; your strokes are safe.") + f"\n\n{details}"
        )

    def _warn_of_weights(self, warning: str) -> None:
        self.messages.withdraw(self._weights_warning)
        self._weights_warning = warning
        if warning:
            learn = translated(spec_of("learn_tags").text), self.actions_table["learn_tags"].trigger
            self.messages.show_message(
                "warning", warning, learn, (self.tr("Choose weights…"), self.choose_weights)
            )

    def _enable_undo(self, can_undo: bool, can_redo: bool) -> None:
        self.actions_table["undo"].setEnabled(can_undo)
        self.actions_table["redo"].setEnabled(can_redo)

    def _enable(self) -> None:
        project, record = self.session.project is not None, self.session.record
        for name in ("export", "classes"):
            self.actions_table[name].setEnabled(project)
        for name in ("accept", "next", "previous", "add_tag", "fit", "zoom_in", "zoom_out"):
            self.actions_table[name].setEnabled(record is not None)
        self.main_bar.accept.setEnabled(record is not None)
        self.actions_table["reopen"].setEnabled(record is not None and record.status is Status.ACCEPTED)

    def _follow_paint(self) -> None:
        session, actions = self.session, self.actions_table
        actions[session.tool].setChecked(True)
        actions["paint_seeds" if session.target is Target.SEEDS else "paint_mask"].setChecked(True)
        actions["protect"].setChecked(session.protect_others)
        self.settings.brush_radius = session.brush_radius

    def _show_zoom(self) -> None:
        # Of the view that is seen: the other one is laid out anew now and then, too.
        self.status.show_zoom((self.inspect_view if self._inspecting() else self.canvas).zoom_factor)

    def _inspecting(self) -> bool:
        return self.actions_table["inspect"].isChecked()

    def _show_centre(self) -> None:
        if self.session.project is None:
            self.centre.setCurrentWidget(self.empty)
        else:
            self.centre.setCurrentWidget(self.inspect_view if self._inspecting() else self.canvas)

    def _icons(self) -> None:
        for spec in ACTIONS:
            self.actions_table[spec.id].setIcon(self.theme.icon(spec.icon))

    def _list_recent(self) -> None:
        self.recent_menu.clear()
        for path in self.settings.recent:
            action = self.recent_menu.addAction(str(path))
            action.triggered.connect(lambda _=False, path=path: self.open_path(path))
        self.recent_menu.setEnabled(bool(self.settings.recent))

    def _put_welcome_away(self) -> None:
        self.settings.welcomed = True
        self.welcome.hide()

    def _choose_theme(self, choice: str) -> None:
        self.settings.theme = self.theme.choice = choice

    def _choose_language(self, code: str) -> None:
        self.settings.language = code
        self._show_message("info", self.tr("The language changes at the next start."))

    # -- Keys that are held, and leaving ---------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave typed text to its field; follow held keys until the window loses the keyboard."""
        if event.type() == QEvent.Type.ShortcutOverride and self._is_text(cast(QKeyEvent, event)):
            event.accept()
            return True
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease) and watched is self.windowHandle():
            key = cast(QKeyEvent, event)
            if not key.isAutoRepeat() and (held := self._held(key)):
                down = event.type() == QEvent.Type.KeyPress
                if not down or not self._typing():
                    getattr(self, held)(down)
        elif event.type() == QEvent.Type.ApplicationDeactivate:
            self.peek(False)
        return super().eventFilter(watched, event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Everything is on disk already; stop what runs, within two seconds.

        If the disk refuses strokes, the first attempt to close only says so.
        """
        if not self.session.save() and not self._warned:
            self._warned = True
            self._show_message(
                "error",
                self.tr(
                    "The last strokes are not on disk yet. Free some space, or close again to lose them."
                ),
            )
            event.ignore()
            return
        self.settings.layout = self.saveGeometry(), self.saveState(VERSION)
        app = QApplication.instance()
        assert app is not None
        app.removeEventFilter(self)
        self.images.thumbnails.close()
        self.session.close()
        event.accept()

    def _held(self, event: QKeyEvent) -> str:
        pressed = QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText)
        for spec in ACTIONS:
            if spec.hold and self.actions_table.key(spec.id) == pressed:
                return spec.slot.split(".")[1]
        return ""

    def _is_text(self, event: QKeyEvent) -> bool:
        """Whether a key belongs to the field or list that has the keyboard rather than to a shortcut."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        plain = not event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        )
        in_list = enter and isinstance(QApplication.focusWidget(), QAbstractItemView)
        return in_list or (self._typing() and plain and bool(event.text()))

    def _typing(self) -> bool:
        return isinstance(QApplication.focusWidget(), QLineEdit | QPlainTextEdit | QAbstractSpinBox)
