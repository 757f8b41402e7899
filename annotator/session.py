"""What is open on the desk, and all a person can do to it. Panels and canvas read it, call it and listen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QRect

from annotator.document import Box, Document, Labels
from annotator.jobs import Latest
from annotator.loader import DocumentLoader
from annotator.predictor import EngineFactory
from annotator.saver import Stroke
from annotator.session_state import SessionState
from trainer.data.classes import BACKGROUND
from trainer.data.project import Edit, ImageRecord, Project, Status, Target
from trainer.errors import UserError
from trainer.messages import Priority, SeedsChanged, Shutdown, TagsLearnt

if TYPE_CHECKING:
    from trainer.engine import Proposal, Suggestion
    from trainer.settings import Settings


class Session(SessionState):
    """The one owner of the open project, image and paint state.

    A stroke is in the project's journal before anything says so. Images are loaded and masks refined in a job
    pool, proposals are made by the trainer thread; an answer that comes too late is dropped.
    """

    def __init__(self, make_engine: EngineFactory, parent: QObject | None = None) -> None:
        super().__init__(make_engine, parent)
        self._position = 0
        self._accept_when_ready = False
        self._refiner, self._reseeder = Latest(self.jobs), Latest(self.jobs)
        self._loader = DocumentLoader(self.jobs, self)
        self._loader.loaded.connect(self._show)
        self._loader.failed.connect(self._could_not_load)
        self.predictor.ready.connect(self._engine_ready)
        self.predictor.unavailable.connect(self._engine_unavailable)
        self.predictor.proposed.connect(self._proposed)
        self.predictor.failed.connect(self._not_proposed)
        self.predictor.model_changed.connect(self._model_changed)
        self.predictor.tags_learnt.connect(self._tags_learnt)

    # -- Projects and images ---------------------------------------------------------------------------------

    def open_project(self, path: Path) -> None:
        """Open a project file, or a folder of images (a project is made beside them at first)."""
        if not self._leave():
            return
        self._set_busy("open", self.tr("Opening {name}…").format(name=path.name))

        def opened(result: tuple[Project, list[ImageRecord]]) -> None:
            self._set_busy("open", None)
            self._drop_project()
            self._project, records = result
            self._records = {record.id: record for record in records}
            self._order, self._position = tuple(self._records), 0
            self._saver.project = self._project
            self.classes_changed.emit()
            self.project_opened.emit()
            self._set_busy("engine", self.tr("Loading the models…"))
            self.predictor.start(self._project)
            last = self._project.setting("last_image", "")
            first = last if last in self._records else next(iter(self._order), "")
            if first:
                self.open_image(first)

        def refused(error: Exception) -> None:
            self._set_busy("open", None)
            self._report(error)

        self.jobs.submit(lambda: open_with_records(path), opened, refused)

    def open_image(self, image_id: str) -> None:
        """Show an image; `image_changed` tells when it is there."""
        if self._project is None or image_id not in self._records or not self._leave():
            return
        if image_id in self._order:
            self._position = self._order.index(image_id)
        self._set_busy("load", self.tr("Opening {name}…").format(name=image_id))
        self._loader.open(self._project, image_id)

    def set_order(self, ids: Sequence[str]) -> None:
        """Tell the order in which images are shown, filtered ones left out."""
        self._order = tuple(ids)
        if self.image_id in self._order:
            self._position = self._order.index(self.image_id)

    def go(self, step: int) -> None:
        """Open the image `step` places further in the shown order; stays at either end."""
        if target := self._neighbour(step):
            self.open_image(target)

    def save(self) -> bool:
        """Try once more to write strokes the disk refused; whether everything is on disk."""
        return self._saver.retry()

    def close(self) -> bool:
        """Save what waits, stop trainer thread and jobs; False when one of them did not end in time."""
        self._saver.retry()
        self.predictor.post(Shutdown())  # it ends while the jobs do
        ended = self.jobs.close()
        return self._drop_project() and self._writer.close() and ended

    def _neighbour(self, step: int) -> str:
        if not self._order:
            return ""
        here = self._order[self._position] if self._position < len(self._order) else ""
        # The open image may have left the list (a filter): its old place now holds the one after it.
        position = self._position + step if here == self.image_id else self._position + min(step, 0)
        return self._order[position] if 0 <= position < len(self._order) else ""

    def _leave(self) -> bool:
        """Whether the open image may be left: never while a stroke is not on disk."""
        if self._saver.retry():
            return True
        self.message.emit("error", self.tr("The last strokes are not on disk yet, so this image stays open."))
        return False

    def _drop_project(self) -> bool:
        stopped = self.predictor.stop()
        self._writer.finish()
        self._loader.clear()
        self._document = None
        self._records, self._order = {}, ()
        if self._project is not None:
            self._project.close()
            self._project = None
        return stopped

    def _show(self, document: Document) -> None:
        self._set_busy("load", None)
        self._document = document
        self._accept_when_ready = False
        self._suggestions = ()
        self._choose_class()
        assert self._project is not None
        self._project.set_setting("last_image", document.id)
        self.image_changed.emit(document.id)
        self._emit_undo()
        if proposal := self.predictor.known(document.id):
            self._apply(proposal)
            self._suggest()
        else:
            self._ask()
        self._prefetch()

    def _choose_class(self) -> None:
        """Keep the class that is painted where the image shows it, else take its first tag."""
        record = self.record
        ids = [self.classes.id_of(name) for name in record.tags] if record else []
        if self.class_id not in ids:
            self.class_id = ids[0] if ids else BACKGROUND

    def _could_not_load(self, image_id: str, error: Exception) -> None:
        self._set_busy("load", None)
        self._report(error)

    def _prefetch(self) -> None:
        following = self._neighbour(1)
        if following and self._project is not None:
            self._loader.prefetch(self._project, following)
            if self.predictor.known(following) is None and not self._is_accepted(following):
                self.predictor.ask(following, Priority.NEXT)

    # -- Painting --------------------------------------------------------------------------------------------

    def preview_stroke(self, box: QRect, after: Labels) -> None:
        """Show the stroke being drawn: `after` is the painted layer inside `box`, as it would become."""
        document = self._document
        if document is None:
            return
        old = document.preview
        document.preview = (self.target, box_of(box), after)
        if old is not None and not box.contains(rect_of(old[1])):
            self._compose(old[0], old[1])
        self._compose(self.target, box_of(box))
        if self.target is Target.SEEDS:
            self._refine()

    def cancel_stroke(self) -> None:
        """Forget the stroke being drawn."""
        document = self._document
        if document is None or document.preview is None:
            return
        target, box, _ = document.preview
        document.preview = None
        self._compose(target, box)
        if target is Target.SEEDS:
            self._refine()

    def commit_stroke(self, box: QRect, after: Labels, tool: str) -> None:
        """Journal a stroke on the target layer: `after` is that layer inside `box`, as it becomes."""
        document = self._document
        if document is None or self._project is None:
            return
        window, target = box_of(box), self.target
        self._end_preview(document)
        stroke = Stroke.over(document, target, window, after, tool)
        if stroke is None:
            self._compose(target, window)
            return
        self._reopen()
        self._saver.save(stroke)
        document.paint(target, window, after)
        self._after_edit(target, window)

    def undo(self) -> None:
        """Take back the last stroke of the open image, whichever layer it was on."""
        self._travel(forward=False)

    def redo(self) -> None:
        """Bring back the stroke last taken back."""
        self._travel(forward=True)

    def _travel(self, forward: bool) -> None:
        document, project = self._document, self._project
        if document is None or project is None or not self._leave():
            return
        self._end_preview(document)
        try:
            edit: Edit | None = project.redo(document.id) if forward else project.undo(document.id)
        except UserError as error:
            self._report(error)
            return
        if edit is None:
            return
        self._reopen()
        document.paint(edit.target, edit.box, edit.after if forward else edit.before)
        self._after_edit(edit.target, edit.box)

    def _end_preview(self, document: Document) -> None:
        if document.preview is not None:
            target, box, _ = document.preview
            document.preview = None
            self._compose(target, box)

    def _after_edit(self, target: Target, box: Box) -> None:
        document = self._document
        assert document is not None and self._project is not None
        self._compose(target, box)
        self._reload_record(document.id)
        self._emit_undo()
        if target is Target.SEEDS:
            self._refine()
            record = self._records[document.id]
            self.predictor.post(SeedsChanged(document.id, record.seed_revision))

    def _compose(self, target: Target, box: Box) -> None:
        if self._document is not None:
            self._document.compose(box)
            self.layer_changed.emit("seeds" if target is Target.SEEDS else "mask", rect_of(box))

    def _emit_undo(self) -> None:
        image_id = self.image_id
        if self._project is not None and image_id:
            self.undo_changed.emit(self._project.can_undo(image_id), self._project.can_redo(image_id))
        else:
            self.undo_changed.emit(False, False)

    # -- Accepting -------------------------------------------------------------------------------------------

    def accept_and_next(self) -> None:
        """Freeze the mask as shown and open the next image; waits for a mask that is still on its way."""
        document = self._document
        if document is None or self._project is None or not self._leave():
            return
        if self._refiner.busy or "propose" in self._busy:
            self._accept_when_ready = True
            return
        self._accept_when_ready = False
        if not document.accepted:
            self._freeze(document, self._project)
        following = self._neighbour(1)
        if following:
            self.open_image(following)
        else:
            self.message.emit("info", self.tr("That was the last image of this list."))

    def reopen(self) -> None:
        """Take the acceptance of the open image back, so that it follows strokes and models again."""
        if self._reopen():
            self._ask()

    def _freeze(self, document: Document, project: Project) -> None:
        mask = document.mask.copy()
        document.freeze(mask)

        def refused(error: Exception) -> None:
            document.accepted = False
            self._report(error)

        def accepted(_: object) -> None:
            self._reload_record(document.id)
            if self._project is project:
                # An accepted mask is a lesson as well.
                self.predictor.post(SeedsChanged(document.id, self._records[document.id].seed_revision))

        self._writer.submit(lambda: project.accept(document.id, mask), accepted, refused)

    def _reopen(self) -> bool:
        document = self._document
        if document is None or self._project is None or not document.accepted:
            return False
        document.accepted = False
        self._project.unaccept(document.id)
        self._reload_record(document.id)
        self.message.emit("info", self.tr("This image is open again: accept it anew when you are done."))
        return True

    def _is_accepted(self, image_id: str) -> bool:
        return self._records[image_id].status is Status.ACCEPTED

    # -- Proposals -------------------------------------------------------------------------------------------

    def _engine_ready(self, warning: str) -> None:
        self._set_busy("engine", None)
        assert self._project is not None and self.engine is not None
        stored = self._project.setting("method", {})
        known = {key: value for key, value in stored.items() if hasattr(self.engine.settings, key)}
        self.predictor.set_settings(replace(self.engine.settings, **known))
        self.engine_changed.emit()
        self.weights_warning.emit(warning)
        self.settings_changed.emit()
        if self._document is not None:
            self._ask()
            self._prefetch()

    def _engine_unavailable(self, error: Exception) -> None:
        self._set_busy("engine", None)
        self._report(error)

    def reload_engine(self) -> None:
        """Load the models anew after other weights were chosen."""
        if self._project is not None:
            self._set_busy("engine", self.tr("Loading the models…"))
            self.predictor.restart()

    def _ask(self) -> None:
        """Ask for a proposal of the open image."""
        if self._document is None or self.worker is None:
            return
        self._set_busy("propose", self.tr("Proposing a mask…"))
        self.predictor.ask(self._document.id)
        self._suggest()

    def _suggest(self) -> None:
        """Find tags that the open image may deserve, where nobody has tagged it."""
        document, record = self._document, self.record
        if document is None or record is None or record.tagged:
            return

        def suggested(result: list[Suggestion]) -> None:
            if self._document is document and self.record is not None and not self.record.tagged:
                self._suggestions = tuple(result)
                self.suggestions_changed.emit()

        self.jobs.submit(lambda: self.predictor.suggest_tags(document.image), suggested, self._report)

    def _proposed(self, image_id: str, proposal: Proposal) -> None:
        if image_id in self._records:
            self._reload_record(image_id)
        if image_id == self.image_id:
            self._apply(proposal)

    def _not_proposed(self, image_id: str, reason: str) -> None:
        if image_id == self.image_id:
            self._set_busy("propose", None)
            self._accept_when_ready = False
            self.message.emit("error", reason)

    def _apply(self, proposal: Proposal) -> None:
        document, record = self._document, self.record
        assert document is not None and record is not None
        tagged = {self.classes.id_of(name) for name in record.tags}
        if not set(proposal.classes) <= tagged:
            return  # made of tags that were removed meanwhile; another one is on its way
        if not proposal.fast:
            self._set_busy("propose", None)
        document.adopt(proposal)
        if self.cam_class not in proposal.classes:
            self.cam_class = proposal.classes[0] if proposal.classes else 0
        document.compose(document.whole)
        self.proposal_changed.emit()
        self.layer_changed.emit("cam", rect_of(document.whole))
        self.layer_changed.emit("seeds", rect_of(document.whole))
        self._refine()

    def _refine(self) -> None:
        """Let the mask follow the corrections; an accepted mask stays as it is."""
        document = self._document
        if document is None or document.proposal is None or document.accepted:
            return
        corrections = document.preview_corrections()
        settled = document.preview is None and not document.proposal.fast
        self._set_busy("refine", self.tr("Following your stroke…"))

        def refined(mask: Labels) -> None:
            if not self._refiner.busy:
                self._set_busy("refine", None)
            if self._document is not document or document.accepted:
                return
            document.base_mask = mask
            document.compose(document.whole)
            self.layer_changed.emit("mask", rect_of(document.whole))
            if settled and not self._refiner.busy:
                self._keep_mask(document.id, mask)
            if self._accept_when_ready and not self._refiner.busy:
                self.accept_and_next()

        def failed(error: Exception) -> None:
            self._set_busy("refine", None)
            self._report(error)

        self._refiner.submit(lambda: document.refined(corrections), refined, failed)

    def _keep_mask(self, image_id: str, mask: Labels) -> None:
        """Keep the refined proposal for the next time the image is opened, and for the export."""
        project = self._project
        if project is not None:
            self._writer.submit(lambda: project.store_proposal_mask(image_id, mask), failed=self._report)

    def _model_changed(self, version: int) -> None:
        name = self.tr("Model {number}").format(number=version) if version else self.tr("The first model")
        self.message.emit("info", self.tr("{model} is in use now; proposals follow it.").format(model=name))
        self._follow_models()

    def _tags_learnt(self, learnt: TagsLearnt) -> None:
        self.weights_warning.emit("")
        text = self.tr("Your classes are learnt from the tags of {n} images; proposals follow.")
        self.message.emit("info", text.format(n=learnt.images))
        if learnt.note:
            self.message.emit("warning", learnt.note)
        if self.engine is not None and self.predictor.fitting is not None:
            alphas = learnt.alpha, learnt.seed_alpha
            self.predictor.fitting = self.predictor.fitting.calibrated(*alphas)
            settings = self.engine.settings.calibrated(*alphas)
            self._use_settings(settings, _alphas(settings))
        self._follow_models()

    def _follow_models(self) -> None:
        if self._document is not None and not self._document.accepted:
            self._ask()

    # -- Tags, classes, parameters ---------------------------------------------------------------------------

    def set_tags(self, names: Iterable[str]) -> None:
        """Say what is in the open image; a new proposal follows."""
        document = self._document
        if document is None or self._project is None:
            return
        tags = tuple(dict.fromkeys(names))
        self._project.set_tags(document.id, tags)
        self.predictor.forget(document.id)
        # What else was suggested may be in the picture as well, unless nothing is.
        self._suggestions = tuple(s for s in self._suggestions if tags and s.name not in tags)
        self._reload_record(document.id)
        self.suggestions_changed.emit()
        if not document.accepted:
            self._ask()

    def add_class(self, name: str) -> int:
        """Add a class to the project; its id. Raises DataError for a name that cannot be used."""
        assert self._project is not None
        class_id = self._project.add_class(name)
        self.classes_changed.emit()
        return class_id

    def set_seed_parameters(
        self, alpha_low: float, alpha_high: float, threshold: float, final: bool = True
    ) -> None:
        """Move the seed cues of the open image; `final` also makes the parameters the project's own."""
        document = self._document
        if document is not None and (proposal := document.proposal) is not None:

            def reseeded(seeds: Labels) -> None:
                if self._document is document and document.proposal is proposal:
                    document.auto_seeds = seeds
                    document.compose(document.whole)
                    self.layer_changed.emit("seeds", rect_of(document.whole))

            self._reseeder.submit(
                lambda: proposal.reseed(alpha_low, alpha_high, threshold), reseeded, self._report
            )
        if final and self.engine is not None:
            settings = self.engine.settings.with_seed_alphas(alpha_low, alpha_high)
            self.set_settings(**_alphas(settings), threshold=threshold)

    def set_settings(self, **changes: Any) -> None:
        """Change parameters of the method for this project; the open image is proposed anew."""
        if self._project is None or self.engine is None:
            return
        settings = replace(self.engine.settings, **changes)
        if settings == self.engine.settings:
            return
        self._use_settings(settings, changes)
        if self._document is not None and not self._document.accepted:
            self._ask()

    def _use_settings(self, settings: Settings, changes: Mapping[str, Any]) -> None:
        """Put parameters to use; the project keeps those that were changed."""
        assert self._project is not None
        self.predictor.set_settings(settings)
        self._project.set_setting("method", {**self._project.setting("method", {}), **changes})
        self.settings_changed.emit()

    def reset_settings(self) -> None:
        """Go back to the parameters that fit the models in use."""
        default = self.predictor.fitting
        if default is not None:
            self.set_settings(
                **_alphas(default),
                threshold=default.threshold,
                mode=default.mode,
                segmentation=default.segmentation,
            )
            self.set_seed_parameters(default.alpha_low, default.alpha_high, default.threshold, final=False)

    # -- Small things ----------------------------------------------------------------------------------------

    def _reload_record(self, image_id: str) -> None:
        if self._project is not None and image_id in self._records:
            self._records[image_id] = self._project.record(image_id)
            self.record_changed.emit(image_id)


def _alphas(settings: Settings) -> dict[str, float]:
    return {name: getattr(settings, name) for name in ("alpha", "alpha_low", "alpha_high")}


def open_with_records(path: Path) -> tuple[Project, list[ImageRecord]]:
    """Open what `path` names, with the list of its images. Raises DataError when it cannot be read."""
    project = Project.open_folder(path) if path.is_dir() else Project.open(path)
    return project, project.images()


def box_of(rect: QRect) -> Box:
    """The half-open box (y0, x0, y1, x1) of a rectangle in image pixels."""
    return rect.y(), rect.x(), rect.y() + rect.height(), rect.x() + rect.width()


def rect_of(box: Box) -> QRect:
    """The rectangle of a half-open box."""
    y0, x0, y1, x1 = box
    return QRect(x0, y0, x1 - x0, y1 - y0)
