"""Which actions are enabled and which are checked, following the session."""

from annotator.actions import Actions
from annotator.canvas.look import Look
from annotator.session import Session
from trainer.data.project import Status, Target

WITH_PROJECT = (
    "look_for_photos",
    "import_masks",
    "save",
    "export",
    "statistics",
    "back_up",
    "classes",
    "weights",
)
WITH_MODELS = ("train", "learn_tags")  # also while they are being loaded: they begin with them
WITH_IMAGE = (
    "accept",
    "next",
    "previous",
    "next_unaccepted",
    "sort_again",
    "add_tag",
    "fit",
    "actual_size",
    "zoom_in",
    "zoom_out",
    "zoom_object",
    "copy_mask",
    "flag",
    "reject",
    "clear_review",
    "accept_chosen",
    "tag_chosen",
    "accept_sure",
    "copy_strokes",
    "fill_holes",
    "smooth",
    "grow",
    "shrink",
)


class ActionStates:
    """Enables and checks actions as the session changes."""

    def __init__(self, actions: Actions, session: Session, look: Look) -> None:
        self._actions, self._session, self._look = actions, session, look
        look.changed.connect(self._follow_look)
        session.project_opened.connect(self._enable)
        session.image_changed.connect(self._enable)
        session.record_changed.connect(self._enable)
        session.propose_all.changed.connect(self._enable)
        session.many.running_changed.connect(self._enable)
        session.suggestions_changed.connect(self._enable)
        session.offer.changed.connect(self._enable)
        session.busy_changed.connect(self._enable_training)
        session.engine_changed.connect(self._enable_training)
        session.undo_changed.connect(self._enable_history)
        session.paint_changed.connect(self._check)
        self._enable()
        self._enable_training()
        self._enable_history(False, False)
        self._check()
        self._follow_look()

    def _enable(self) -> None:
        many = self._session.many
        project, record = self._session.project is not None, self._session.record
        for name in WITH_PROJECT:
            self._actions[name].setEnabled(project)
        for name in WITH_IMAGE:
            self._actions[name].setEnabled(record is not None)
        self._actions["undo_many"].setEnabled(many.can_undo and not many.running)
        self._actions["propose_all"].setEnabled(project and not self._session.propose_all.running)
        self._actions["take_suggestion"].setEnabled(bool(self._session.suggestions))
        for name in ("look", "take"):
            self._actions[name].setEnabled(self._session.offer.stands)
        self._actions["reopen"].setEnabled(record is not None and record.status is Status.ACCEPTED)

    def _enable_training(self) -> None:
        for name in WITH_MODELS:
            self._actions[name].setEnabled(self._session.trains)

    def _enable_history(self, can_undo: bool, can_redo: bool) -> None:
        self._actions["undo"].setEnabled(can_undo)
        self._actions["redo"].setEnabled(can_redo)

    def _follow_look(self) -> None:
        self._actions["reset_photo"].setEnabled(self._look.adjusted)
        self._actions["pixel_grid"].setChecked(self._look.grid)

    def _check(self) -> None:
        session = self._session
        self._actions[session.tool].setChecked(True)
        self._actions["paint_seeds" if session.target is Target.SEEDS else "paint_mask"].setChecked(True)
        self._actions["protect"].setChecked(session.protect_others)
        self._actions["only_here"].setChecked(session.only_here)
        self._actions["pen_pressure"].setChecked(session.pen_pressure)
        self._actions["outline_clicks"].setChecked(session.outline_clicks)
