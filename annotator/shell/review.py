"""Reviewing: the actions for one image or several, and the strip that tells what was said of the open one."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from annotator.dialogs.comment import CommentDialog
from annotator.panels.images import ImagesPanel
from annotator.session import Session
from annotator.shell.messagebar import MessageBar
from annotator.theme import Theme
from trainer.data.batch_rows import BatchKind
from trainer.data.project import Batch
from trainer.data.review_rows import Verdict


class Review(QObject):
    """Acts on the images chosen in the list, or on the open one; says what was done and offers undo."""

    def __init__(
        self, session: Session, images: ImagesPanel, messages: MessageBar, theme: Theme, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session, self._images, self._messages, self._theme = session, images, messages, theme
        self._window, self._many = parent, session.many
        self._many.done.connect(self._tell_done)
        self._many.undone.connect(self._tell_undone)
        self._many.redone.connect(self._tell_redone)

    def accept_chosen(self) -> None:
        """Accept the masks of the chosen images as they are shown."""
        self._many.start(BatchKind.ACCEPT, self._images.chosen)

    def tag_chosen(self) -> None:
        """Ask for a tag to give to the chosen images, or to take from them."""
        from annotator.dialogs.tag_many import TagManyDialog

        chosen = self._images.chosen
        if not chosen:
            return
        classes = self._session.classes.listed
        records = [self._session.records[image_id] for image_id in chosen]
        used = {name for record in records for name in record.tags}
        dialog = TagManyDialog(len(chosen), classes, [c for c in classes if c in used], self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(lambda kind, tag: self._many.start(kind, chosen, tag=tag))
        dialog.open()

    def accept_sure(self) -> None:
        """Show all masks above a confidence, to be accepted at once."""
        from annotator.panels.contact_sheet import ContactSheet

        if self._session.project is not None and self._session.may_leave():
            sheet = ContactSheet(self._session, self._theme, self._window)
            sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            sheet.wanted.connect(lambda ids: self._many.start(BatchKind.ACCEPT, ids))
            sheet.open()

    def flag(self) -> None:
        """Ask for a comment, and flag the chosen images."""
        self._flag(self._images.chosen)

    def reject(self) -> None:
        """Ask for a comment, and reject the chosen images."""
        self._reject(self._images.chosen)

    def change(self) -> None:
        """Ask again for the comment on the open image."""
        record = self._session.record
        if record is not None and record.verdict is Verdict.FLAGGED:
            self._flag([record.id])
        elif record is not None:
            self._reject([record.id])

    def clear_open(self) -> None:
        """Take flag or rejection from the open image."""
        self._many.start(BatchKind.CLEAR, [self._session.image_id])

    def clear(self) -> None:
        """Take flag or rejection from the chosen images."""
        self._many.start(BatchKind.CLEAR, self._images.chosen)

    def undo(self) -> None:
        """Take the last change to several images back."""
        self._many.step(forward=False)

    def _flag(self, chosen: Sequence[str]) -> None:
        help = self.tr("For somebody to look at again; a mask that is accepted stays so.")
        one, several = self.tr("Flag this image"), self.tr("Flag {n} images")
        self._ask(BatchKind.FLAG, chosen, several, one, help, self.tr("Flag"))

    def _reject(self, chosen: Sequence[str]) -> None:
        help = self.tr("The mask is not accepted, or no longer; accepting it again answers the rejection.")
        one, several = self.tr("Reject this image"), self.tr("Reject {n} images")
        self._ask(BatchKind.REJECT, chosen, several, one, help, self.tr("Reject"))

    def _ask(
        self, kind: BatchKind, chosen: Sequence[str], several: str, one: str, help: str, act: str
    ) -> None:
        if not chosen:
            return
        title = one if len(chosen) == 1 else several.format(n=len(chosen))
        said = {self._session.records[image_id].comment for image_id in chosen}
        dialog = CommentDialog(title, help, act, said.pop() if len(said) == 1 else "", self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.given.connect(lambda comment: self._many.start(kind, chosen, comment=comment))
        dialog.open()

    def _tell_done(self, batch: Batch) -> None:
        said = {
            BatchKind.TAG: self.tr("Images tagged: {n}."),
            BatchKind.UNTAG: self.tr("Images the tag was taken from: {n}."),
            BatchKind.ACCEPT: self.tr("Images accepted: {n}."),
            BatchKind.FLAG: self.tr("Images flagged: {n}."),
            BatchKind.REJECT: self.tr("Images rejected: {n}."),
            BatchKind.CLEAR: self.tr("Flags and rejections taken away: {n}."),
        }[batch.kind].format(n=len(batch.images))
        if batch.left_out:
            left_out = self.tr("Left out, as there is no mask to accept: {n}.")
            said += " " + left_out.format(n=len(batch.left_out)) + "\n\n" + "\n".join(batch.left_out)
        choices = ((self.tr("Undo"), self.undo),) if batch.images else ()
        self._messages.show_message("warning" if batch.left_out else "info", said, *choices)

    def _tell_undone(self, batch: Batch) -> None:
        said = self.tr("Taken back. Images as they were before: {n}.")
        self._tell_step(batch, said, self.tr("Redo"), lambda: self._many.step(forward=True))

    def _tell_redone(self, batch: Batch) -> None:
        said = self.tr("Brought back. Images changed again: {n}.")
        self._tell_step(batch, said, self.tr("Undo"), self.undo)

    def _tell_step(self, batch: Batch, text: str, other_way: str, step: Callable[[], None]) -> None:
        said = text.format(n=len(batch.images))
        if batch.left_out:
            since = self.tr("Changed since, and left alone: {n}.")
            said += " " + since.format(n=len(batch.left_out)) + "\n\n" + "\n".join(batch.left_out)
        self._messages.show_message("info", said, *([(other_way, step)] if batch.images else []))


class ReviewStrip(QFrame):
    """Above the canvas, while the open image is flagged or rejected: what was said, and how to answer."""

    def __init__(self, session: Session, review: Review, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._icon, self.text = QLabel(), QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.edit = QPushButton(self.tr("Change…"))
        self.done = QPushButton(self.tr("Done"))
        self.done.setToolTip(self.tr("Takes flag or rejection away."))
        self.edit.clicked.connect(review.change)
        self.done.clicked.connect(review.clear_open)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 10, 7)
        row.setSpacing(10)
        row.addWidget(self._icon)
        row.addWidget(self.text, 1)
        for button in (self.edit, self.done):
            button.setProperty("flat", True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            row.addWidget(button)
        for signal in (session.image_changed, session.record_changed, session.records_changed):
            signal.connect(self._show)
        session.project_opened.connect(self._show)
        theme.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        record = self._session.record
        verdict = Verdict.NONE if record is None else record.verdict
        self.setVisible(verdict is not Verdict.NONE)
        if record is None or verdict is Verdict.NONE:
            return
        flagged = verdict is Verdict.FLAGGED
        name, colour = ("mdi6.flag", "warn") if flagged else ("mdi6.close-circle", "bad")
        self._icon.setPixmap(self._theme.icon(name, colour).pixmap(18, 18))
        said = self.tr("Flagged") if flagged else self.tr("Rejected")
        self.text.setText(f"{said}: {record.comment}" if record.comment else f"{said}.")
        self.setProperty("bar", "warning" if flagged else "error")
        self.style().unpolish(self)
        self.style().polish(self)
