"""Draw every part of the desk to look it over: light and dark, English and Chinese, 1× and 2×.

Usage: ``python docs/gallery.py [--only PART…] [--looks LANGUAGE-THEME…] [--scale 1|2]``. The pictures go into
``docs/gallery/``, which git ignores: ``PART-LANGUAGE-THEME-SCALEx.png``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from pictures import HERE, SIZE, settled, show, wait
from PySide6.QtCore import QItemSelectionModel, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QPainter, QPixmap, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QListWidget, QWidget

from annotator.app import make_window
from annotator.dialogs.key_sheet import key_sheet
from annotator.i18n import install
from annotator.settings import DeskSettings
from trainer.data.batch_rows import BatchKind
from trainer.data.sample import build_sample

OUT = HERE / "gallery"
LANGUAGES, THEMES, SCALES = ("en", "zh_CN"), ("light", "dark"), (1, 2)
CUP = tuple(QPointF(x, y) for x, y in ((175, 110), (300, 40), (420, 90), (430, 260), (300, 330), (190, 250)))
"""Corners of a rough polygon around the cup, pixels of the photo."""
CUT = QPointF(140, 235), QPointF(440, 235)
"""Ends of a line across the cup."""
MOMENTS = 6
"""Enough for dialogs and layers to reach the picture."""
SCREEN = 3600
"""Pixels of a side of the screen."""
PAGE = 900
"""Width of the sheet of keys, logical pixels."""


class Desk:
    """A window on a project, and what it takes to show its parts."""

    def __init__(self, app: QApplication, folder: Path, language: str, theme: str) -> None:
        self.app, self.folder = app, folder
        self.settings = DeskSettings()
        self.settings.theme, self.settings.language, self.settings.welcomed = theme, language, True
        self._translators = install(app, language)
        self.window = make_window(self.settings)
        self.window.resize(*SIZE)
        self.window.show()

    def open(self) -> None:
        """Open the project, and let it come to rest on the cat."""
        session = self.window.session
        self.window.open_path(self.folder)
        wait(self.app, lambda: bool(session.image_id) and session.worker is not None)
        show(self.app, session, "chelsea")

    def act(self, *names: str) -> None:
        """Do what the menus offer."""
        for name in names:
            self.window.actions_table[name].trigger()
            wait(self.app, lambda: True, MOMENTS)

    def go(self, image_id: str) -> None:
        """Show another photo."""
        show(self.app, self.window.session, image_id)

    def rest(self, *, jobs: bool = True) -> None:
        """Wait until what is computed in the pool is on the screen."""
        if jobs:
            self.window.session.jobs.finish()
        wait(self.app, lambda: True, MOMENTS)

    def dialog(self) -> QDialog:
        """The dialog that was opened last."""
        self.rest()
        return next(each for each in reversed(self.window.findChildren(QDialog)) if each.isVisible())

    def place(self, at: QPointF) -> QPoint:
        """Where a pixel of the photo is on the canvas."""
        return self.window.canvas.from_image(at).toPoint()

    def click(self, *places: QPointF) -> None:
        """Click on the canvas."""
        for at in places:
            QTest.mouseMove(self.window.canvas.viewport(), self.place(at))
            QTest.mouseClick(self.window.canvas.viewport(), Qt.MouseButton.LeftButton, pos=self.place(at))

    def drag(self, start: QPointF, end: QPointF) -> None:
        """Draw a line on the canvas."""
        canvas = self.window.canvas.viewport()
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=self.place(start))
        QTest.mouseMove(canvas, self.place(end))
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=self.place(end))

    def hover(self, at: QPoint) -> None:
        """Rest the mouse over a point of the canvas."""
        for step in (QPoint(3, 3), QPoint(0, 0)):
            QTest.mouseMove(self.window.canvas.viewport(), at + step)
            self.rest()

    def choose(self, *image_ids: str) -> None:
        """Choose images in the list."""
        view, model = self.window.images.view, self.window.images.model
        view.clearSelection()
        for image_id in image_ids:
            view.selectionModel().select(model.index_of(image_id), QItemSelectionModel.SelectionFlag.Select)

    def many(self, kind: BatchKind, *image_ids: str, comment: str = "") -> None:
        """Do the same to several images."""
        many = self.window.session.many
        many.start(kind, image_ids, comment=comment)
        wait(self.app, lambda: not many.running)
        self.rest()

    def menu(self, number: int) -> QWidget:
        """An open menu of the menu bar."""
        bar = self.window.menuBar()
        menu = bar.actions()[number].menu()
        menu.popup(self.window.mapToGlobal(bar.geometry().bottomLeft()))
        self.rest(jobs=False)
        return menu

    def reset(self) -> None:
        """Put away what a part has opened, and take back what it did."""
        window, session = self.window, self.window.session
        while (popup := self.app.activePopupWidget()) is not None:
            popup.close()
        for dialog in window.findChildren(QDialog):
            dialog.close()
        if window.tour.isVisible():
            window.tour.leave()
        window.welcome.hide()
        window.messages.clear()
        window.look.reset()
        window.centre.inspect(False)
        window.centre.compare(False)
        QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
        while window.actions_table["undo"].isEnabled():
            self.act("undo")
            wait(self.app, lambda: not session.busy and session.saved)
            self.rest()
        window.messages.clear()
        window.images.view.clearSelection()
        window.docks["seeds"].raise_()
        self.act("brush")
        self.go("chelsea")
        self.act("fit")

    def close(self) -> None:
        """Leave nothing of it."""
        self.window.close()
        self.window.deleteLater()
        for translator in self._translators:
            self.app.removeTranslator(translator)


# -- The parts -----------------------------------------------------------------------------------------------


def _empty(desk: Desk) -> QWidget:
    return desk.window


def _welcome(desk: Desk) -> QWidget:
    desk.act("welcome")
    return desk.window


def _menu(number: int) -> Callable[[Desk], QWidget]:
    return lambda desk: desk.menu(number)


def _recent(desk: Desk) -> QWidget:
    menu = desk.window.menus.recent
    menu.popup(desk.window.mapToGlobal(desk.window.rect().center()))
    desk.rest()
    return menu


def _opened(action: str) -> Callable[[Desk], QWidget]:
    def draw(desk: Desk) -> QWidget:
        desk.act(action)
        return desk.dialog()

    return draw


def _exported(desk: Desk) -> QWidget:
    desk.act("export")
    dialog = desk.window.export_dialog
    assert dialog is not None
    dialog.folder.setText(str(desk.folder.parent / "export"))
    dialog.start.click()
    desk.rest()
    return dialog


def _import(desk: Desk) -> QWidget:
    desk.window.import_masks(desk.folder.parent / "export")
    return desk.dialog()


def _imported(desk: Desk) -> QWidget:
    dialog = _import(desk)
    desk.window.import_dialog.start.click()
    wait(desk.app, lambda: not desk.window.session.masks.running)
    return dialog


def _offered(desk: Desk) -> QWidget:
    masks = desk.folder.parent / "export"
    desk.window._offer_masks(type("Found", (), {"title": "Pascal VOC", "path": masks})())
    desk.rest()
    return desk.window


def _objects(desk: Desk) -> QWidget:
    desk.go("coffee")
    desk.window.docks["objects"].raise_()
    desk.act("objects")
    desk.rest()
    desk.drag(*CUT)
    desk.rest()
    desk.window.objects.list.selectAll()
    desk.rest()
    return desk.window


def _classes(desk: Desk) -> QWidget:
    desk.act("classes")
    dialog = desk.dialog()
    dialog.findChild(QListWidget).setCurrentRow(7)
    desk.rest()
    return dialog


def _removal(button: str) -> Callable[[Desk], QWidget]:
    def draw(desk: Desk) -> QWidget:
        dialog = _classes(desk)
        dialog.choose((8, 12))
        getattr(dialog, button).click()
        return desk.dialog()

    return draw


def _renaming(desk: Desk) -> QWidget:
    dialog = _classes(desk)
    dialog.rename.click()
    desk.rest()
    return dialog


def _several(desk: Desk) -> QWidget:
    desk.choose("astronaut", "camera", "coffee")
    desk.many(BatchKind.FLAG, "astronaut", "camera", "coffee", comment="two people?")
    desk.choose("astronaut", "camera", "coffee")
    desk.rest()
    return desk.window


def _several_dialog(action: str) -> Callable[[Desk], QWidget]:
    def draw(desk: Desk) -> QWidget:
        desk.choose("astronaut", "camera", "coffee")
        return _opened(action)(desk)

    return draw


def _review(kind: BatchKind) -> Callable[[Desk], QWidget]:
    def draw(desk: Desk) -> QWidget:
        desk.many(kind, "chelsea", comment="The whiskers belong to the cat.")
        wait(desk.app, lambda: settled(desk.window.session, "chelsea"))
        return desk.window

    return draw


def _sheet(desk: Desk) -> QWidget:
    desk.act("accept_sure")
    dialog = desk.dialog()
    dialog.level.setValue(30)
    wait(desk.app, lambda: True, MOMENTS)
    dialog.view.setCurrentIndex(dialog.model.index_of("coffee"))
    QTest.keyClick(dialog.view, Qt.Key.Key_Space)
    wait(desk.app, lambda: True, MOMENTS)
    return dialog


def _adjust(desk: Desk) -> QWidget:
    desk.window.look.adjust(brightness=0.3, contrast=0.4)
    desk.act("adjust_photo")
    popup = desk.app.activePopupWidget()
    assert popup is not None
    return popup


def _compare(desk: Desk) -> QWidget:
    desk.act("compare")
    desk.rest()
    return desk.window


def _grid(desk: Desk) -> QWidget:
    desk.go("coffee")
    desk.window.canvas.zoom(14 / desk.window.canvas.zoom_factor)
    desk.rest()
    desk.hover(desk.window.canvas.viewport().rect().center())
    return desk.window


def _polygon(desk: Desk) -> QWidget:
    desk.go("coffee")
    desk.act("polygon")
    desk.click(*CUP)
    QTest.keyClick(desk.window.canvas, Qt.Key.Key_Return)
    wait(desk.app, lambda: settled(desk.window.session, "coffee"))
    desk.hover(desk.place(CUP[1]))
    return desk.window


def _magnetic(desk: Desk) -> QWidget:
    desk.go("coffee")
    desk.act("magnetic")
    for at in CUP[:3]:
        desk.click(at)
        desk.rest()
    desk.hover(desk.place(CUP[3]))
    return desk.window


def _inspect(desk: Desk) -> QWidget:
    desk.act("inspect")
    desk.rest()
    return desk.window


def _panel(name: str) -> Callable[[Desk], QWidget]:
    def draw(desk: Desk) -> QWidget:
        desk.window.docks[name].raise_()
        desk.hover(desk.window.canvas.viewport().rect().center())
        return desk.window

    return draw


def _tour(stop: int) -> Callable[[Desk], QWidget]:
    def draw(desk: Desk) -> QWidget:
        desk.act("tour")
        for _ in range(stop):
            QTest.keyClick(desk.window.tour, Qt.Key.Key_Right)
        desk.rest()
        return desk.window

    return draw


def _message(level: str) -> Callable[[Desk], QWidget]:
    def draw(desk: Desk) -> QWidget:
        desk.window.session.message.emit(level, desk.window.tr("The language changes at the next start."))
        desk.act("save")
        desk.rest()
        return desk.window

    return draw


def _page(desk: Desk) -> QPixmap:
    """The sheet of keys as it is printed."""
    document = QTextDocument()
    document.setHtml(key_sheet(desk.window.actions_table))
    document.setTextWidth(PAGE)
    ratio = desk.window.devicePixelRatioF()
    page = QPixmap((document.size() * ratio).toSize())
    page.setDevicePixelRatio(ratio)
    page.fill(Qt.GlobalColor.white)
    painter = QPainter(page)
    document.drawContents(painter)
    painter.end()
    return page


PARTS: dict[str, Callable[[Desk], QWidget | QPixmap]] = {
    "start": _empty,
    "welcome": _welcome,
    **{
        f"menu-{name}": _menu(number)
        for number, name in enumerate(("file", "edit", "image", "paint", "view"))
    },
    "recent": _recent,
    "export": _opened("export"),
    "exported": _exported,
    "import": _import,
    "imported": _imported,
    "offered-masks": _offered,
    "objects": _objects,
    "classes": _classes,
    "classes-rename": _renaming,
    "classes-merge": _removal("merge"),
    "classes-delete": _removal("delete"),
    "several": _several,
    "several-tag": _several_dialog("tag_chosen"),
    "several-flag": _several_dialog("flag"),
    "flagged": _review(BatchKind.FLAG),
    "rejected": _review(BatchKind.REJECT),
    "contact-sheet": _sheet,
    "statistics": _opened("statistics"),
    "brightness": _adjust,
    "compare": _compare,
    "pixel-grid": _grid,
    "inspect": _inspect,
    "polygon": _polygon,
    "magnetic": _magnetic,
    "seeds": _panel("seeds"),
    "trainer": _panel("trainer"),
    "inspector": _panel("inspector"),
    "keys": _opened("keys"),
    "keys-page": _page,
    "tour": _tour(0),
    "tour-mask": _tour(2),
    "tour-export": _tour(7),
    "saved": _message("info"),
    "weights": _opened("weights"),
    "about": _opened("about"),
}
"""What to draw, by name, in this order: the first one stands before a project is opened."""


def main() -> None:
    """Draw the parts at both scales, each in a process of its own: Qt takes the scale at its start."""
    parser = argparse.ArgumentParser(description="Draw every part of the desk in all its looks.")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=PARTS, help="these parts alone")
    looks = tuple(map("-".join, product(LANGUAGES, THEMES)))
    parser.add_argument(
        "--looks", nargs="+", metavar="LOOK", choices=looks, default=looks, help="of %(choices)s"
    )
    parser.add_argument("--scale", type=int, choices=SCALES, help="this scale alone")
    options = parser.parse_args()
    if options.scale is None:
        for scale in SCALES:
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--scale", str(scale)], check=True)
        return
    os.environ["QT_SCALE_FACTOR"] = str(options.scale)
    OUT.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
            os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={_write_screen(Path(folder))}"
        app = QApplication(sys.argv[:1])
        # A desk of its own: neither the person's settings nor their projects are touched.
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        photos = _prepare(app, Path(folder))
        for look in options.looks:
            desk = Desk(app, photos, *look.split("-"))
            for name, picture in _drawn(desk, options.only or PARTS):
                picture.save(str(OUT / f"{name}-{look}-{options.scale}x.png"))


def _write_screen(folder: Path) -> Path:
    """Describe a screen that has room for the window and its menus, which the one in memory has not."""
    file = folder / "screen.json"
    sides = {"width": SCREEN, "height": SCREEN, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    file.write_text(json.dumps({"screens": [{"name": "large", "x": 0, "y": 0, **sides}]}), encoding="utf-8")
    return file


def _prepare(app: QApplication, folder: Path) -> Path:
    """Make a project with proposals and two accepted masks; return the folder of its photos."""
    desk = Desk(app, build_sample(folder / "photos"), "en", "light")
    desk.open()
    session = desk.window.session
    desk.act("propose_all")
    wait(app, lambda: not session.propose_all.running)
    for image_id in ("chelsea", "astronaut"):
        desk.go(image_id)
        desk.act("accept")
        wait(app, lambda: session.saved and not session.busy)
    _exported(desk)
    desk.close()
    return desk.folder


def _drawn(desk: Desk, names: Collection[str]) -> Iterator[tuple[str, QPixmap]]:
    """Draw parts, one after the other, from the first start on."""
    desk.rest()
    for name, draw in PARTS.items():
        if name == "welcome":
            desk.open()
        if name in names:
            picture = draw(desk)
            yield name, picture if isinstance(picture, QPixmap) else picture.grab()
        if name != "start" and name in names:
            desk.reset()
    desk.close()


if __name__ == "__main__":
    main()
