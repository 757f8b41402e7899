"""The main window: docks, bars, dialogs and wiring; the behaviour is implemented elsewhere."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import cast

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from annotator.actions import ACTIONS, Actions, spec_of, translated
from annotator.canvas.layered_view import LAYERS
from annotator.canvas.look import Look
from annotator.canvas.view import CanvasView
from annotator.dialogs.about import AboutDialog
from annotator.dialogs.keys import KeysDialog
from annotator.garbage import GarbageCollector
from annotator.panels.image_view import WALKING
from annotator.panels.images import ImagesPanel
from annotator.panels.inspector import InspectorPanel
from annotator.panels.layers import LayersPanel
from annotator.panels.objects import ObjectsPanel
from annotator.panels.seeds import SeedsPanel
from annotator.panels.tags import TagsPanel
from annotator.panels.trainer import TrainerPanel
from annotator.session import Session
from annotator.session.jobs import Deadline
from annotator.session.session import CLOSING_SECONDS
from annotator.settings import DeskSettings
from annotator.shell.action_states import ActionStates
from annotator.shell.centre import Centre
from annotator.shell.docks import LEFT, RIGHT, place_docks
from annotator.shell.dropping import Drops
from annotator.shell.keyboard import Keyboard, typing
from annotator.shell.menus import Menus
from annotator.shell.messagebar import MessageBar
from annotator.shell.paint_actions import PaintActions
from annotator.shell.project_actions import ProjectActions
from annotator.shell.review import Review, ReviewStrip
from annotator.shell.statusbar import StatusBar
from annotator.shell.toolbars import MainBar, ToolsBar
from annotator.shell.tour import Tour
from annotator.shell.welcome import EmptyDesk, WelcomeStrip
from annotator.theme import Theme

FIRST_SIZE = QSize(1440, 900)
FRAME = QSize(8, 40)  # what a window manager may put around it
VERSION = 3  # of the dock layout that is remembered


class Window(QMainWindow):
    """The desk."""

    painted = Signal()  # once, when it can be seen: what takes long begins then

    def __init__(self, session: Session, settings: DeskSettings, theme: Theme) -> None:
        super().__init__()
        self.session, self.settings, self.theme = session, settings, theme
        self.setWindowTitle("Affinity Annotator")
        self.setDockNestingEnabled(True)
        self.actions_table = Actions(settings, self)
        self.keyboard = Keyboard(self.actions_table.repeats)
        session.brush_share = settings.brush_share
        session.outline_clicks = settings.outline_clicks
        session.pen_pressure = settings.pen_pressure
        session.predictor.wants_gpu = settings.use_gpu
        self.look = Look(self)
        self.look.show_grid(settings.pixel_grid)
        self.canvas = CanvasView(session, look=self.look)
        self.images, self.tags = ImagesPanel(session, theme, self.actions_table), TagsPanel(session, theme)
        self.layers, self.inspector = LayersPanel(self.canvas, self.actions_table), InspectorPanel(session)
        self.objects = ObjectsPanel(session, self.actions_table)
        self.seeds, self.trainer = SeedsPanel(session), TrainerPanel(session, theme)
        self.paint_actions = PaintActions(session, self.tags)
        self._warned = self._painted = False
        self._weights_warning = ""
        self.canvas.restore_layers(settings.layers)
        self._place()
        self._dock()
        self._wire()
        geometry, state = settings.layout
        if not self.restoreGeometry(geometry):
            self.resize(FIRST_SIZE.boundedTo(self.screen().availableSize() - FRAME))
        self.restoreState(state, VERSION)

    # -- What the actions do ---------------------------------------------------------------------------------

    def show_keys(self) -> None:
        """Show all keys on one sheet."""
        dialog = KeysDialog(self.actions_table, self)
        dialog.sheet_wanted.connect(self._write_keys)
        dialog.open()

    def _write_keys(self, file: Path) -> None:
        """Write all keys as a page to print, and show it."""
        from annotator.dialogs.key_sheet import key_sheet, write_pdf

        html = key_sheet(self.actions_table)

        def written(_: None) -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(file)))

        self.session.jobs.submit(lambda: write_pdf(html, file), written, self.session.report)

    def about(self) -> None:
        """Show the about dialog."""
        AboutDialog(self).open()

    def full_screen(self, on: bool) -> None:
        """Fill the screen, or no longer."""
        full = Qt.WindowState.WindowFullScreen
        self.setWindowState(self.windowState() | full if on else self.windowState() & ~full)

    def show_welcome(self) -> None:
        """Bring the first steps back."""
        self.welcome.show()

    def show_tour(self) -> None:
        """Point at the parts of the desk, one after the other."""
        docks = {name: lambda name=name: self.docks[name] for name in ("images", "tags", "layers", "seeds")}
        actions = self.actions_table
        self.tour.start(
            {
                **docks,
                "photo": lambda: self.centre,
                "brush": lambda: self.tools_bar.widgetForAction(actions["brush"]),
                "accept": lambda: self.main_bar.accept,
                "export": lambda: self.main_bar.widgetForAction(actions["export"]),
            }
        )

    # -- Putting it together ---------------------------------------------------------------------------------

    def _place(self) -> None:
        self.empty = EmptyDesk(self.theme, self.settings.recent)
        self.welcome = WelcomeStrip(self.theme)
        self.welcome.setVisible(not self.settings.welcomed)
        self.centre = Centre(self.session, self.settings, self.empty, self.canvas)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.welcome)
        layout.addWidget(self.centre, 1)
        self.setCentralWidget(middle)
        self.messages = MessageBar(self.theme, self.centre)
        self.project_actions = ProjectActions(self.session, self.tags, self.messages, self)
        self.review = Review(self.session, self.images, self.messages, self.theme, self)
        self.review_strip = ReviewStrip(self.session, self.review, self.theme)
        layout.insertWidget(1, self.review_strip)
        self.centre.resized.connect(self.messages.place)
        self.centre.currentChanged.connect(self.messages.raise_)
        self.main_bar = MainBar(self.actions_table, self.session, self.theme, self)
        self.tools_bar = ToolsBar(self.actions_table, self)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.main_bar)
        self.addToolBar(Qt.ToolBarArea.LeftToolBarArea, self.tools_bar)
        self.status = StatusBar(self.session, self.trainer, self.actions_table, self.theme, self.look)
        self.setStatusBar(self.status)
        self.tour = Tour(self, self.actions_table, self.theme)

    def _dock(self) -> None:
        panels = (
            ("images", self.tr("Images"), self.images, LEFT),
            ("tags", self.tr("Tags"), self.tags, RIGHT),
            ("layers", self.tr("Layers"), self.layers, RIGHT),
            ("seeds", self.tr("Seeds"), self.seeds, RIGHT),
            ("objects", self.tr("Objects"), self.objects, RIGHT),
            ("trainer", self.tr("Trainer"), self.trainer, RIGHT),
            ("inspector", self.tr("Inspector"), self.inspector, RIGHT),
        )
        self.docks = place_docks(self, panels)

    def _wire(self) -> None:
        session, actions, projects = self.session, self.actions_table, self.project_actions
        actions.connect_slots(
            {
                "window": self,
                "project": projects,
                "centre": self.centre,
                "canvas": self.canvas,
                "look": self.look,
                "review": self.review,
                "layers": self.layers,
                "session": session,
                "photos": session.photos,
                "propose_all": session.propose_all,
                "offer": session.offer,
                "strokes": session.strokes,
                "shaping": session.shaping,
                "acceptance": session.acceptance,
                "paint": self.paint_actions,
                "tags": self.tags,
                "images": self.images,
                "trainer": self.trainer,
            }
        )
        actions.held.connect(self.keyboard.hold)
        self.menus = Menus(self, actions, self.docks.values(), self.settings, self.theme)
        self.drops = Drops(session, self)
        for wish in (self.menus.recent_wanted, self.drops.folder_wanted):
            wish.connect(projects.open_path)
        self.menus.message.connect(self.messages.show_message)
        for shown_there in ("learn_tags", "propose_all"):
            actions[shown_there].triggered.connect(self._show_trainer)
        self.centre.panes_changed.connect(self._follow_panes)
        self.welcome.tour_wanted.connect(self.show_tour)
        for seen in (self.welcome.dismissed, self.tour.finished):
            seen.connect(self._put_welcome_away)
        self.empty.folder_wanted.connect(projects.open_folder)
        self.empty.sample_wanted.connect(projects.open_sample)
        self.empty.recent_wanted.connect(projects.open_path)
        self.tags.class_wanted.connect(projects.edit_classes)
        self.tags.left.connect(self.centre.setFocus)
        self.centre.zoom_changed.connect(self.status.show_zoom)
        self.centre.hovered.connect(self.status.show_cursor)
        self.centre.hovered.connect(self.inspector.show_at)
        session.project_opened.connect(self._project_opened)
        session.image_changed.connect(self._image_changed)
        session.message.connect(self.messages.show_message)
        session.weights_warning.connect(self._warn_of_weights)
        session.saved_changed.connect(self._saved_changed)
        self.theme.changed.connect(self._icons)
        self.action_states = ActionStates(actions, session, self.look)
        self._icons()

    # -- Following the session -------------------------------------------------------------------------------

    def _project_opened(self) -> None:
        project = self.session.project
        assert project is not None
        self.settings.add_recent(project.root)
        self.menus.list_recent()
        self.setWindowTitle(f"{project.root.name} – Affinity Annotator")

    def _image_changed(self, image_id: str) -> None:
        assert self.session.project is not None
        self.setWindowTitle(f"{image_id} · {self.session.project.root.name} – Affinity Annotator")
        if not typing() and not (self.images.walking and self.images.view.hasFocus()):
            self.canvas.setFocus()

    def _saved_changed(self) -> None:
        self._warned = False  # nobody was warned of what was done since

    def _follow_panes(self, name: str) -> None:
        for panes in ("inspect", "compare"):
            self.actions_table[panes].setChecked(panes == name)
        self.layers.rest(bool(name))

    def _show_trainer(self) -> None:
        self.docks["trainer"].show()
        self.docks["trainer"].raise_()

    def _warn_of_weights(self, warning: str) -> None:
        self.messages.withdraw(self._weights_warning)
        self._weights_warning = warning
        if warning:
            learn = translated(spec_of("learn_tags").text), self.actions_table["learn_tags"].trigger
            choose = translated(spec_of("weights").text), self.project_actions.choose_weights
            self.messages.show_message("warning", warning, learn, choose)

    def report_fault(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Show an internal error with everything a report needs; work continues."""
        details = "".join(traceback.format_exception(kind, error, trace))
        logging.getLogger(__name__).error(details)
        self.messages.show_message(
            "error", self.tr("Something went wrong in the program; your strokes are safe.") + f"\n\n{details}"
        )

    def tell_of_crashes(self, traces: Sequence[Path]) -> None:
        """Report the traces of crashes that have not been reported yet."""
        for trace in traces:
            text = self.tr(
                "The program crashed last time; your strokes were saved as you made them. Please report it "
                "with {file}."
            )
            self.messages.show_message("error", text.format(file=trace))

    def _icons(self) -> None:
        for spec in ACTIONS:
            self.actions_table[spec.id].setIcon(self.theme.icon(spec.icon))

    def _put_welcome_away(self) -> None:
        self.settings.welcomed = True
        self.welcome.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell of the first time, as soon as all that stands in the window is painted as well."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            GarbageCollector(self)
            QTimer.singleShot(0, self, self.painted.emit)

    def changeEvent(self, event: QEvent) -> None:
        """The window manager has its own ways into the full screen and out of it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.actions_table["full_screen"].setChecked(self.isFullScreen())

    # -- Keys ------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Take the keys from shortcuts that are not meant for one; keys are let go of with the window."""
        if event.type() == QEvent.Type.ShortcutOverride and self.keyboard.override(cast(QKeyEvent, event)):
            event.accept()
            return True
        if event.type() == QEvent.Type.WindowDeactivate:
            self.keyboard.let_go()
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves a field for the photo; the keys that go from image to image work everywhere."""
        if event.key() == Qt.Key.Key_Escape:
            self.centre.setFocus()
        elif event.key() in WALKING:
            self.images.view.keyPressEvent(event)
        elif (key := self.keyboard.latin(event)) is not None:
            self.actions_table.trigger(key)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End what lasts as long as the key is down."""
        self.keyboard.release(event)
        super().keyReleaseEvent(event)

    # -- Leaving ---------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Save pending changes and stop all threads, within two seconds.

        If the disk refuses strokes or an acceptance, or can keep none, the first attempt to close only warns.
        """
        deadline = Deadline(CLOSING_SECONDS)
        lost = self.tr("Your last change is not on disk yet. Free some space, or close again to discard it.")
        if self.session.loses_changes:
            lost = self.tr(
                "This project cannot be written, and what you did is lost with it: export it or back it up "
                "first, or close again to discard it."
            )
        if (not self.session.save() or self.session.loses_changes) and not self._warned:
            self._warned = True
            self.messages.show_message("error", lost)
            event.ignore()
            return
        self._remember()
        self.session.close(deadline)
        self.images.thumbnails.close(deadline.ms)
        self.settings.finish()
        event.accept()

    def _remember(self) -> None:
        """Keep for the next start what is this person's, whatever the project."""
        self.settings.layout = self.saveGeometry(), self.saveState(VERSION)
        self.settings.brush_share = self.session.brush_share
        self.settings.outline_clicks = self.session.outline_clicks
        self.settings.pen_pressure = self.session.pen_pressure
        self.settings.use_gpu = self.session.predictor.wants_gpu
        self.settings.pixel_grid = self.look.grid
        self.settings.layers = {
            name: (self.canvas.layer_visible(name), self.canvas.layer_opacity(name)) for name in LAYERS
        }
