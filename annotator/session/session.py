"""Opens, steps through and closes projects and images; the other parts work on the open image."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from annotator.session.acceptance import Acceptance
from annotator.session.backup import Backup
from annotator.session.class_editing import CHANGING, ClassEditing
from annotator.session.copying import Copying
from annotator.session.cover import Cover
from annotator.session.document import Document
from annotator.session.jobs import Deadline
from annotator.session.loader import DocumentLoader
from annotator.session.many import ManyImages
from annotator.session.mask_import import MaskImport
from annotator.session.models import ModelsInUse
from annotator.session.object_parts import ObjectParts
from annotator.session.offer import Offer
from annotator.session.order import urgency
from annotator.session.parameters import Parameters
from annotator.session.predictor import EngineFactory
from annotator.session.proposals import Proposals
from annotator.session.propose_all import ProposeAll
from annotator.session.rescan import Rescan
from annotator.session.shaping import Shaping
from annotator.session.state import SessionState
from annotator.session.strokes import Strokes
from annotator.session.tagging import Tagging
from trainer.data.classes import BACKGROUND
from trainer.data.location import means
from trainer.data.project import ImageRecord, OtherPhoto, Project, Status
from trainer.worker.messages import Priority, Shutdown

CLOSING_SECONDS = 1.8  # for all that has to end, so that the window is gone within two


class Session(SessionState):
    """Owner of the open project and image, and of the parts that work on them.

    Panels and canvas read it, call it and listen to its signals. Images are loaded and masks refined in a job
    pool; the trainer thread makes proposals; late results are dropped.
    """

    def __init__(self, make_engine: EngineFactory, parent: QObject | None = None) -> None:
        super().__init__(make_engine, parent)
        self._position, self._by_use = 0, False
        self._heading = ""  # the image asked for last, whether it is shown yet, or cannot be
        self._asked = 0  # what was to be saved when it was asked for
        self._opening: Path | None = None
        self._loader = DocumentLoader(self.jobs, self)
        self._loader.loaded.connect(self._take)
        self._loader.failed.connect(self._could_not_load)
        # Each part knows the state and the parts made before it, none of those after it.
        self.proposals = Proposals(self)
        self.photos = Rescan(self, self.proposals)
        self.propose_all = ProposeAll(self)
        self.parameters = Parameters(self, self.proposals)
        self.models = ModelsInUse(self, self.proposals, self.parameters)
        self.tagging = Tagging(self, self.proposals)
        self.acceptance = Acceptance(self, self.proposals)
        self.class_editing = ClassEditing(self, self.proposals)
        self.many = ManyImages(self)
        self.strokes = Strokes(self, self.proposals, self.acceptance, self.class_editing, self.many)
        self.objects = ObjectParts(self, self.strokes)
        self.shaping = Shaping(self, self.strokes)
        self.copying = Copying(self)
        self.offer = Offer(self, self.proposals)
        self.masks = MaskImport(self)
        self.backup = Backup(self)
        self.cover = Cover(self)
        self.backup.restored.connect(self.open_project)
        self.models.ready.connect(self._prefetch)
        self.acceptance.done.connect(self._open_following)
        self.masks.imported.connect(self._read_again)
        self.photos.renewed.connect(self._read_again)
        self.class_editing.relabelled.connect(self._show_relabelled)
        self.many.changed.connect(self._read_again)
        self.copying.copied.connect(self._show_copy)

    def open_project(self, path: Path, fill: Callable[[Path], object] | None = None) -> None:
        """Open a project file, or a folder of images (a project is made beside them at first).

        `fill` puts the images there before, in the job pool. The one that is open already stays so, and new
        photos are looked for.
        """
        if not self.may_leave():
            return
        if self._project is not None and means(path, self._project.file):
            self._end_opening()
            self.photos.look()
            return
        if path == self._opening or not self._may_lose():
            return
        self._opening = path
        self.set_busy("open", self.tr("Opening {name}…").format(name=path.name))

        def opened(result: tuple[Project, list[ImageRecord]]) -> None:
            if path != self._opening:  # another one was asked for since
                result[0].close()
                return
            self._end_opening()
            if not self.may_leave():  # what was done while it was opened
                result[0].close()
                return
            self._drop_project(Deadline(CLOSING_SECONDS))
            self._project, records = result
            self._changed = False
            self._records = {record.id: record for record in records}
            self._order, self._position = tuple(self._records), 0
            self.renew_classes()
            self.project_opened.emit()
            self.models.load(self._project)
            last = self._project.setting("last_image", "")
            first = last if last in self._records else next(iter(self._order), "")
            if first:
                self.open_image(first)

        def refused(error: Exception) -> None:
            if path == self._opening:
                self._end_opening()
                self.report(error)

        def work() -> tuple[Project, list[ImageRecord]]:
            if fill is not None:
                fill(path)
            return open_with_records(path)

        self.jobs.submit(work, opened, refused)

    def open_image(self, image_id: str) -> None:
        """Show an image; `image_changed` tells when it is there."""
        if self._project is None or image_id not in self._records or self.waits_for(CHANGING):
            return
        if not self.may_leave():
            return
        self._heading = image_id
        self._find_position()
        if image_id == self.image_id:
            self._loader.clear()  # what is being read may lack the last stroke
        self._asked = self.saver.asked
        self.set_busy("load", self.tr("Opening {name}…").format(name=image_id))
        self._loader.open(self._project, image_id)

    def set_order(self, ids: Sequence[str], by_use: bool = False) -> None:
        """Set the order in which images are shown, without filtered ones.

        With `by_use` an accepted image is followed by the most useful one of that moment, wherever it stands.
        """
        self._order, self._by_use = tuple(ids), by_use
        self._find_position()

    def go(self, step: int) -> None:
        """Open the image `step` places further in the shown order; stays at either end."""
        if target := self._neighbour(step):
            self.open_image(target)

    def may_leave(self) -> bool:
        """Whether the open image may be left; what is being drawn on it ends first, and is kept."""
        self.strokes.finish()
        return super().may_leave()

    def go_to_unaccepted(self) -> None:
        """Open the next image that is not accepted, from the top again after the last."""
        here = self._position + 1 if self._heading in self._order else self._position
        waiting = self._unaccepted(self._order[here:]) or self._unaccepted(self._order[:here])
        if waiting:
            self.open_image(waiting[0])
        else:
            self._tell_end()

    def copy_to_next(self, whole_mask: bool) -> None:
        """Copy strokes, or with `whole_mask` the objects as well, to the next image of the list; open it."""
        if following := self._neighbour(1):
            self.copying.copy_to(following, whole_mask)
        elif self._document is not None:
            self.message.emit("info", self.tr("There is no next image in this list to copy to."))

    def save(self) -> bool:
        """Write what is not on disk yet, retrying failed writes; return whether everything is."""
        self.strokes.finish()
        return self.saver.flush()

    def close(self, deadline: Deadline | None = None) -> bool:
        """Save pending changes, stop trainer thread and jobs; False if one of them did not end in time."""
        deadline = deadline or Deadline(CLOSING_SECONDS)
        self.strokes.finish()
        self.saver.close()
        self.predictor.post(Shutdown())  # it ends while the jobs do
        ended = self.jobs.close(deadline.ms)
        return self._drop_project(deadline) and self.writer.close(deadline.ms) and ended

    def _may_lose(self) -> bool:
        """Whether what was done in a project that cannot be written may go: a person is warned once."""
        if not self.loses_changes or self._warned_of_loss:
            return True
        self._warned_of_loss = True
        self.message.emit(
            "error",
            self.tr(
                "This project cannot be written, and what you did is lost with it: export it or back it up "
                "first, or open the other one again to discard it."
            ),
        )
        return False

    def _end_opening(self) -> None:
        self._opening = None
        self.set_busy("open", None)

    def _drop_project(self, deadline: Deadline) -> bool:
        self.masks.cancel()
        stopped = self.predictor.stop(deadline.seconds)
        self.writer.finish(deadline.ms)
        self._loader.clear()
        self._document, self._heading = None, ""
        self._records, self._order = {}, ()
        self.end_busy()
        self.undo_changed.emit(False, False)
        if self._project is not None:
            self._project.close()
            self._project = None
        return stopped

    def _find_position(self) -> None:
        if self._heading in self._order:
            self._position = self._order.index(self._heading)

    def _neighbour(self, step: int) -> str:
        if not self._order:
            return ""
        here = self._order[self._position] if self._position < len(self._order) else ""
        # The image may have left the list (a filter): its old place now holds the one after it.
        position = self._position + step if here == self._heading else self._position + min(step, 0)
        return self._order[position] if 0 <= position < len(self._order) else ""

    def _following(self) -> str:
        """The image that comes after the open one is accepted, "" for none."""
        if not self._by_use:
            return self._neighbour(1)
        return min(self._unaccepted(self._order), key=lambda id: urgency(self._records[id]), default="")

    def _unaccepted(self, ids: Iterable[str]) -> list[str]:
        """Those of `ids` that are not accepted, without the open image."""
        return [id for id in ids if id != self._heading and self._records[id].status is not Status.ACCEPTED]

    def _open_following(self) -> None:
        if self._heading != self.image_id:  # a person went on while the mask was on its way
            return
        if following := self._following():
            self.open_image(following)
        else:
            self._tell_end()

    def _tell_end(self) -> None:
        accepted = self.record is not None and self.record.status is Status.ACCEPTED
        waiting = len(self._unaccepted(self._order)) + (self.image_id in self._order and not accepted)
        self.message.emit(
            "info",
            self.tr("That was the last image of this list. Not accepted yet: {n}.").format(n=waiting)
            if waiting
            else self.tr("Every image of this list is accepted."),
        )

    def _take(self, document: Document) -> None:
        """Show an image that was loaded; the open one is read once more if it was painted on meanwhile."""
        self.strokes.finish()  # begun while the image was loaded
        if document.id == self.image_id and self.saver.asked != self._asked:
            self.open_image(document.id)
        else:
            self._show(document)

    def _show(self, document: Document) -> None:
        self.set_busy("load", None)
        self._document = document
        self._choose_class()
        self.paint_changed.emit()  # the brush is as large a part of this photo as of the former one
        self._remember(document.id)
        self.image_changed.emit(document.id)
        self.proposals.begin(document)
        self._prefetch()

    def _read_again(self, images: Collection[str]) -> None:
        """Read images again that were read before their masks were imported, or their photos replaced."""
        self._loader.clear()
        if self._heading in images:
            self.open_image(self._heading)
        else:
            self._prefetch()

    def _show_relabelled(self, document: Document) -> None:
        """Show the open image as the classes are now; those that were read ahead are read again."""
        self._loader.clear()
        self.strokes.finish()
        self._document = document
        self.renew_classes()
        self._show(document)

    def _show_copy(self, image_id: str) -> None:
        """Read the image again that was read ahead, before it had the copy."""
        self._loader.clear()
        self.open_image(image_id)

    def _choose_class(self) -> None:
        """Keep the class that is painted where the image shows it, else take its first tag."""
        ids = self.tag_ids
        if self.class_id not in ids:
            self.class_id = ids[0] if ids else BACKGROUND

    def _remember(self, image_id: str) -> None:
        """Begin with this image the next time."""
        project = self._project
        assert project is not None
        self.writer.submit(lambda: project.set_setting("last_image", image_id), failed=self.report)

    def _could_not_load(self, image_id: str, error: Exception) -> None:
        self.set_busy("load", None)
        if isinstance(error, OtherPhoto):
            self.photos.find(image_id, self.open_image)  # tells what has become of it
        else:
            self.report(error)

    def _prefetch(self) -> None:
        following = self._following()
        if following and self._project is not None:
            self._loader.prefetch(self._project, following)
            accepted = self._records[following].status is Status.ACCEPTED
            if self.predictor.known(following) is None and not accepted:
                self.predictor.ask(following, Priority.NEXT)


def open_with_records(path: Path) -> tuple[Project, list[ImageRecord]]:
    """Open what `path` names, with the list of its images. Raises DataError when it cannot be read."""
    project = Project.open_folder(path) if path.is_dir() else Project.open(path)
    return project, project.images()
