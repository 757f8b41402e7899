"""The docks: which panel lies where in the window, and how much room it has."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

TABBED = ("seeds", "objects", "trainer", "inspector")
NARROWEST = 262  # of the panels on the right: below, what they hold would be cut
FEATURES = QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetClosable
LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea


def place_docks(
    window: QMainWindow, panels: Iterable[tuple[str, str, QWidget, Qt.DockWidgetArea]]
) -> dict[str, QDockWidget]:
    """Give each panel (name, title, widget, area) its dock in the window; return the docks by name."""
    docks: dict[str, QDockWidget] = {}
    for name, title, panel, area in panels:
        dock = QDockWidget(title, window)
        dock.setObjectName(name)
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        if area is RIGHT:
            panel.setMinimumWidth(NARROWEST)
        dock.setWidget(panel)
        dock.setFeatures(FEATURES)
        if name in TABBED:  # the tab is the title
            dock.setTitleBarWidget(QWidget())
            dock.visibilityChanged.connect(panel.setEnabled)  # Tab passes by what lies behind another tab
        window.addDockWidget(area, dock)
        docks[name] = dock
    window.setTabPosition(RIGHT, QTabWidget.TabPosition.North)
    for name in TABBED[1:]:
        window.tabifyDockWidget(docks["seeds"], docks[name])
    docks["seeds"].raise_()
    # The layers keep their own height; the tags come first, and the tabs below can be scrolled.
    shared = [docks[name] for name in ("tags", "seeds")]
    window.resizeDocks(shared, [190, 420], Qt.Orientation.Vertical)
    window.resizeDocks([docks["images"], docks["tags"]], [250, 300], Qt.Orientation.Horizontal)
    return docks
