"""The classes of the project: names, colours, order, and what becomes of those that are too many."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QColorDialog,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from annotator.class_colours import class_colour
from annotator.dialogs.class_removal import ClassRemoval
from annotator.i18n import error_text
from annotator.session import Session
from annotator.session.class_editing import change_title
from annotator.widgets import NOTE, SWATCH, NotedDelegate, explanation, swatch
from trainer.data import class_changes
from trainer.data.class_changes import MadeChange
from trainer.data.class_files import read_entries
from trainer.data.classes import save_categories

ID = Qt.ItemDataRole.UserRole


class ClassesDialog(QDialog):
    """Shows the classes of the project, changes them and adds to them."""

    added = Signal(str)

    def __init__(self, session: Session, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Classes"))
        self.resize(560, 560)
        self._session = session
        self._adding = ""  # the name that is being written
        self._warned = ""  # the name that was told to be much like another one
        self.list = ClassListWidget()
        self.list.setAccessibleName(self.tr("Classes"))
        self.list.itemChanged.connect(self._rename)
        self.list.itemSelectionChanged.connect(self._follow_selection)
        self.list.model().rowsMoved.connect(lambda *_: self._reorder())
        self._make_buttons()
        self.field = QLineEdit(name, placeholderText=self.tr("Name of a new class"))
        self.field.setAccessibleName(self.tr("Name of a new class"))
        self.field.returnPressed.connect(self._add)
        self.button = QPushButton(self.tr("Add class"), autoDefault=False)
        self.button.setProperty("accent", True)
        self.button.clicked.connect(self._add)
        self.field.textChanged.connect(lambda text: self.button.setEnabled(bool(text.strip())))
        self.button.setEnabled(bool(name.strip()))
        self.problem = explanation(
            self.tr("“{name}” is not a class of this project yet.").format(name=name) if name else ""
        )
        self._lay_out()
        for keys, act in (
            (QKeySequence.StandardKey.Undo, session.class_editing.undo),
            (QKeySequence.StandardKey.Redo, session.class_editing.redo),
        ):
            QShortcut(QKeySequence(keys), self, lambda act=act: act(self._refuse))
        session.class_editing.changed.connect(self._tell)
        session.classes_changed.connect(self._fill)
        self._fill()
        self.field.setFocus()

    def _make_buttons(self) -> None:
        def button(text: str, help: str, act: object, key: str = "") -> QPushButton:
            made = QPushButton(text, autoDefault=False)
            made.setToolTip(f"{help}  {key}".strip())
            made.clicked.connect(act)
            if key:
                shortcut = QShortcut(QKeySequence(key), self.list, made.click)
                shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            return made

        editing = self._session.class_editing
        self.rename = button(self.tr("Rename"), self.tr("Models go on to know it."), self._begin_rename, "F2")
        self.colour = button(self.tr("Colour…"), self.tr("Its colour on the screen."), self._recolour)
        self.merge = button(self.tr("Merge…"), self.tr("Make one class of several."), self._merge)
        self.delete = button(
            self.tr("Delete…"), self.tr("What is of it becomes background."), self._delete, "Del"
        )
        self.up = button(self.tr("Up"), self.tr("Also by dragging."), lambda: self._move(-1), "Alt+Up")
        self.down = button(self.tr("Down"), self.tr("Also by dragging."), lambda: self._move(1), "Alt+Down")
        self.stuff = QCheckBox(self.tr("No objects (stuff)"))
        self.stuff.setToolTip(self.tr("Sky, grass, road: what has no separate objects."))
        self.stuff.clicked.connect(self._set_stuff)
        self.undo = button(self.tr("Undo"), self.tr("Take the last change back, in all photos."),
                           lambda: editing.undo(self._refuse))  # fmt: skip
        self.load = button(
            self.tr("Load…"), self.tr("Take over names, colours and order of a file."), self._load
        )
        self.save = button(self.tr("Save…"), self.tr("Write names, colours and order to a file."), self._save)

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.setSpacing(6)
        for widget in (self.rename, self.colour, self.merge, self.delete):
            side.addWidget(widget)
        side.addSpacing(8)
        side.addWidget(self.up)
        side.addWidget(self.down)
        side.addSpacing(8)
        side.addWidget(self.stuff)
        side.addStretch()
        side.addWidget(self.load)
        side.addWidget(self.save)
        middle = QHBoxLayout()
        middle.setSpacing(12)
        middle.addWidget(self.list, 1)
        middle.addLayout(side)
        row = QHBoxLayout()
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        close = QPushButton(self.tr("Close"), autoDefault=False)  # Return adds what stands in the field
        close.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.undo)
        buttons.addStretch()
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(
            explanation(
                self.tr(
                    "Changes reach all photos at once: masks, strokes and tags. The tags of a photo, and the "
                    "keys 1 to 9, go by this order once you have changed it."
                )
            )
        )
        layout.addLayout(middle, 1)
        layout.addWidget(self.problem)
        layout.addLayout(row)
        layout.addLayout(buttons)

    # -- What is shown ---------------------------------------------------------------------------------------

    @property
    def chosen(self) -> tuple[int, ...]:
        """The ids of the classes that are selected, in the order of the list."""
        return tuple(self.list.id_at(index.row()) for index in sorted(self.list.selectedIndexes()))

    def choose(self, ids: Sequence[int]) -> None:
        """Select classes."""
        self.list.choose(ids)

    def _fill(self) -> None:
        chosen, classes = self.chosen, self._session.classes
        with QSignalBlocker(self.list):
            self.list.clear()
            for class_id in classes.order:
                icon = QIcon(swatch(QColor(*class_colour(class_id)), ratio=self.devicePixelRatioF()))
                item = QListWidgetItem(icon, classes.name_of(class_id))
                item.setData(ID, class_id)
                note = self.tr("stuff") + " · " if class_id in classes.stuff else ""
                item.setData(NOTE, f"{note}{class_id}")
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self.list.addItem(item)
            self.list.choose(chosen)
        self._follow_selection()

    def _follow_selection(self) -> None:
        chosen, classes, project = self.chosen, self._session.classes, self._session.project
        for widget in (self.rename, self.colour, self.up, self.down, self.stuff):
            widget.setEnabled(len(chosen) == 1)
        self.delete.setEnabled(bool(chosen))
        self.merge.setEnabled(bool(chosen) and self.list.count() > 1)
        self.stuff.setChecked(len(chosen) == 1 and chosen[0] in classes.stuff)
        self.undo.setEnabled(project is not None and project.last_class_change() is not None)

    def _tell(self, made: MadeChange, undone: bool) -> None:
        text = (
            self.tr("Taken back: {change}.")
            if undone
            else self.tr("{change}: done in all photos. Ctrl+Z takes it back.")
        )
        self.problem.setText(text.format(change=change_title(made)))

    def _refuse(self, error: Exception) -> None:
        self._adding = ""
        self.problem.setText(error_text(error))
        self._fill()

    # -- Changes ---------------------------------------------------------------------------------------------

    def _begin_rename(self) -> None:
        if (item := self.list.currentItem()) is not None:
            self.list.editItem(item)

    def _rename(self, item: QListWidgetItem) -> None:
        class_id, name = item.data(ID), item.text().strip()
        if name != self._session.classes.name_of(class_id):
            self._session.class_editing.change(
                lambda meaning: class_changes.rename(meaning, class_id, name), failed=self._refuse
            )

    def _recolour(self) -> None:
        (class_id,) = self.chosen
        title = self.tr("Colour of “{name}”").format(name=self._session.classes.name_of(class_id))
        chosen = QColorDialog.getColor(QColor(*class_colour(class_id)), self, title)
        if chosen.isValid():
            colour = chosen.red(), chosen.green(), chosen.blue()
            self._session.class_editing.change(
                lambda meaning: class_changes.recolour(meaning, class_id, colour), failed=self._refuse
            )

    def _merge(self) -> None:
        ClassRemoval(self._session, self.chosen, merging=True, parent=self).open()

    def _delete(self) -> None:
        ClassRemoval(self._session, self.chosen, merging=False, parent=self).open()

    def _move(self, step: int) -> None:
        (class_id,) = self.chosen
        order = list(self._session.classes.order)
        place = order.index(class_id) + step
        if 0 <= place < len(order):
            order.remove(class_id)
            order.insert(place, class_id)
            self._order(order)

    def _reorder(self) -> None:
        self._order([self.list.id_at(row) for row in range(self.list.count())])

    def _order(self, ids: Sequence[int]) -> None:
        self._session.class_editing.change(lambda _: class_changes.order(ids), failed=self._refuse)

    def _set_stuff(self, on: bool) -> None:
        (class_id,) = self.chosen
        self._session.class_editing.change(
            lambda meaning: class_changes.set_stuff(meaning, class_id, on), failed=self._refuse
        )

    def _load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Load classes"), "", self.tr("Class lists (*.json *.txt *.csv)")
        )
        if name:
            self._session.class_editing.change(
                lambda _: class_changes.load(read_entries(Path(name))), failed=self._refuse
            )

    def _save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Save classes"),
            "classes.json",
            self.tr("Names, colours and kinds (*.json);;Names alone (*.txt)"),
        )
        if name:
            classes, file = self._session.classes, Path(name)
            colours = {id: class_colour(id) for id in classes.ids}
            names_alone = file.suffix.lower() == ".txt"
            self._session.writer.submit(
                lambda: classes.save(file) if names_alone else save_categories(file, classes, colours),
                lambda _: self.problem.setText(self.tr("Saved as {file}.").format(file=file)),
                self._refuse,
            )

    # -- New ones --------------------------------------------------------------------------------------------

    def _add(self) -> None:
        name = self.field.text().strip()
        if not name or name == self._adding:
            return
        alike = next((known for known in self._session.classes.listed if is_like(name, known)), None)
        if alike is not None and name != self._warned:
            self._warned = name
            warning = self.tr("“{alike}” is already a class. Add “{name}” again if you mean a different one.")
            self.problem.setText(warning.format(alike=alike, name=name))
            return
        self._adding = name
        self._session.tagging.add_class(name, lambda _: self._show_added(name), self._refuse)

    def _show_added(self, name: str) -> None:
        self._adding = ""
        if self.field.text().strip() == name:  # nothing was typed since
            self.field.clear()
        self.problem.setText(self.tr("Added “{name}”.").format(name=name))
        self.list.scrollToBottom()
        self.added.emit(name)


class ClassListWidget(QListWidget):
    """Classes that can be dragged into another order; beside each stands its number."""

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        self.setIconSize(QSize(SWATCH, SWATCH))
        self.setItemDelegate(NotedDelegate(self))

    def id_at(self, row: int) -> int:
        """The class in a row."""
        return int(self.item(row).data(ID))

    def choose(self, ids: Sequence[int]) -> None:
        """Select classes, and no others."""
        self.clearSelection()
        for row in range(self.count()):
            if self.id_at(row) in ids:
                self.item(row).setSelected(True)
                if self.id_at(row) == ids[0]:
                    index = self.indexFromItem(self.item(row))
                    self.selectionModel().setCurrentIndex(index, self.selectionModel().SelectionFlag.NoUpdate)


def is_like(name: str, known: str) -> bool:
    """Whether two names of classes differ only by letter case, spaces, dashes and underscores."""

    def plain(text: str) -> str:
        return "".join(letter for letter in text.casefold() if letter not in " -_")

    return name != known and plain(name) == plain(known)
