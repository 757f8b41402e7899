"""The shortcut sheet, which is also where keys are changed."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from annotator.actions import ACTIONS, GROUPS, Actions, spec_of, translated
from annotator.widgets import explanation

ID = Qt.ItemDataRole.UserRole
ROW = QSize(0, 22)


class KeysDialog(QDialog):
    """All actions by group with their keys. Choose one and press a key to change it."""

    sheet_wanted = Signal(object)  # Path of a page to print

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self.resize(900, 700)
        self.search = QLineEdit(placeholderText=self.tr("Search"), clearButtonEnabled=True)
        self.search.setAccessibleName(self.tr("Search"))
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget(columnCount=3)
        self.tree.setHeaderLabels([self.tr("Action"), self.tr("Key"), self.tr("What it does")])
        self.tree.setAccessibleName(self.tr("Keyboard shortcuts"))
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)  # all as high as the first
        self.tree.setIndentation(14)
        self.tree.currentItemChanged.connect(lambda item, _: self._choose(item))
        self.edit = QKeySequenceEdit()
        self.edit.setMaximumSequenceLength(1)
        self.edit.setClearButtonEnabled(True)
        self.edit.setAccessibleName(self.tr("New key"))
        self.apply = QPushButton(self.tr("Use this key"), autoDefault=False)
        self.apply.clicked.connect(self.set_key)
        self.problem = explanation()
        sheet = QPushButton(self.tr("As a page…"), autoDefault=False)
        sheet.setToolTip(self.tr("All keys as they are now on one page (PDF), to be printed."))
        sheet.clicked.connect(self._ask)
        reset = QPushButton(self.tr("Reset all"), autoDefault=False)
        reset.clicked.connect(self._reset)
        close = QPushButton(self.tr("Close"), autoDefault=False)
        close.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.edit)
        row.addWidget(self.apply)
        row.addStretch()
        row.addWidget(sheet)
        row.addWidget(reset)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(9)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.problem)
        layout.addLayout(row)
        self.heads: dict[str, QTreeWidgetItem] = {}
        self.items: dict[str, QTreeWidgetItem] = {}
        self._fill()
        self._choose(None)

    def _ask(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Keyboard shortcuts"), "affinity-annotator-keys.pdf", self.tr("Pages (*.pdf)")
        )
        if name:
            file = Path(name)
            self.sheet_wanted.emit(file if file.suffix else file.with_suffix(".pdf"))

    def choose(self, action_id: str) -> None:
        """Choose the action whose key is to be changed."""
        self.tree.setCurrentItem(self.items[action_id])

    def set_key(self) -> None:
        """Give the chosen action the key that was pressed, unless another action has it."""
        item = self.tree.currentItem()
        if item is None or not (action_id := item.data(0, ID)):
            return
        key = self.edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
        try:
            self._actions.set_key(action_id, key)
        except ValueError as other:
            self.problem.setText(
                self.tr("“{other}” already has this key; change that one first.").format(other=other)
            )
            return
        self.problem.setText(self.tr("Saved."))
        self._show_keys()

    def _fill(self) -> None:
        for group in GROUPS:
            head = QTreeWidgetItem([translated(group)])
            head.setFlags(Qt.ItemFlag.ItemIsEnabled)
            font = head.font(0)
            font.setBold(True)
            head.setFont(0, font)
            head.setSizeHint(0, ROW)
            self.tree.addTopLevelItem(head)
            self.heads[group] = head
            for spec in ACTIONS:
                if spec.group == group:
                    item = QTreeWidgetItem(
                        [translated(spec.text, spec).rstrip("…"), "", translated(spec.help)]
                    )
                    item.setData(0, ID, spec.id)
                    item.setToolTip(2, translated(spec.help))
                    head.addChild(item)
                    self.items[spec.id] = item
        self.tree.expandAll()
        self._show_keys()
        for column in (0, 1):
            self.tree.resizeColumnToContents(column)
            self.tree.setColumnWidth(column, self.tree.columnWidth(column) + 12)

    def _show_keys(self) -> None:
        for action_id, item in self.items.items():
            key = self._actions.key_text(action_id)
            item.setText(1, key + (self.tr(" (hold)") if key and spec_of(action_id).hold else ""))

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        action_id = item.data(0, ID) if item is not None else None
        for widget in (self.edit, self.apply):
            widget.setEnabled(bool(action_id))
        if action_id:
            self.edit.setKeySequence(QKeySequence(self._actions.key(action_id)))
        self.problem.setText(self.tr("Choose an action, click the field, and press its new key."))

    def _filter(self, text: str) -> None:
        for item in self.items.values():
            shown = " ".join(item.text(column) for column in range(3)).casefold()
            item.setHidden(text.casefold() not in shown)
        for group, head in self.heads.items():
            head.setHidden(all(self.items[spec.id].isHidden() for spec in ACTIONS if spec.group == group))

    def _reset(self) -> None:
        self._actions.reset_keys()
        self._show_keys()
        self.problem.setText(self.tr("All keys are back to their defaults."))
