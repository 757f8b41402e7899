"""The table of actions, from which menus, tool bars, shortcut sheet and key editor are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence

from annotator.canvas.tools import TOOLS
from annotator.settings import DeskSettings

FILE = "File"
EDIT = "Edit"
IMAGE = "Image"
PAINT = "Paint"
VIEW = "View"
TRAINER = "Trainer"
HELP = "Help"
ALSO = {"Return": "Enter", "Ctrl++": "Ctrl+=", "Ctrl+Shift+Z": "Ctrl+Y"}
"""Keys that do the same: one to a person and two to Qt, or the habit of another system."""
GROUPS = (FILE, EDIT, IMAGE, PAINT, VIEW, TRAINER, HELP)


@dataclass(frozen=True)
class ActionSpec:
    """One thing a person can do.

    `slot` is "owner.method", called with `args`; `choice` names a set of which one is checked at a time;
    `hold` actions last as long as their key is down: their method is called with True, then with False.
    A key that is kept down does an action that `repeats` again and again, any other once.
    """

    id: str
    text: str
    key: str
    icon: str
    slot: str
    help: str
    group: str
    args: tuple[Any, ...] = ()
    choice: str = ""
    checkable: bool = False
    hold: bool = False
    repeats: bool = False


def _spec(
    group: str, id: str, text: str, key: str, icon: str, slot: str, help: str, **more: Any
) -> ActionSpec:
    return ActionSpec(id, text, key, icon, slot, help, group, **more)


ACTIONS: tuple[ActionSpec, ...] = (
    _spec(FILE, "open_folder", "Open folder…", "Ctrl+O", "mdi6.folder-open-outline",
          "project.open_folder", "Open photos or a VOC data set; a project is made beside them."),
    _spec(FILE, "open_project", "Open project file…", "Ctrl+Shift+O", "mdi6.file-outline",
          "project.open_project_file", "Open a project.sqlite made earlier."),
    _spec(FILE, "open_sample", "Open the sample", "", "mdi6.image-multiple-outline",
          "project.open_sample", "Six photos for trying things out."),
    _spec(FILE, "look_for_photos", "Look for new photos", "F5", "mdi6.folder-refresh-outline",
          "photos.look", "Add photos that were put into the folder since it was opened."),
    _spec(FILE, "save", "Save", "Ctrl+S", "mdi6.content-save-outline",
          "project.tell_saved", "Nothing needs to be saved by hand: all is written as you work."),
    _spec(FILE, "import_masks", "Import masks…", "Ctrl+I", "mdi6.import",
          "project.import_masks", "Take masks that other programs made: VOC, COCO, labelme, YOLO, folders."),
    _spec(FILE, "export", "Export data set…", "Ctrl+E", "mdi6.export-variant",
          "project.export", "Write images and masks as a data set that other programs read."),
    _spec(FILE, "statistics", "Statistics…", "F4", "mdi6.chart-bar",
          "project.show_statistics", "Photos, objects and pixels of each class, time and strokes; a report."),
    _spec(FILE, "back_up", "Back up project…", "", "mdi6.archive-arrow-down-outline",
          "project.back_up", "Write tags, strokes, masks and models into one file to keep elsewhere."),
    _spec(FILE, "restore", "Restore a backup…", "", "mdi6.archive-arrow-up-outline",
          "project.restore", "Put a project that was backed up into a folder, and open it there."),
    _spec(FILE, "weights", "Weights…", "", "mdi6.brain",
          "project.choose_weights", "Choose the pretrained network the proposals come from."),
    _spec(FILE, "quit", "Quit", "Ctrl+Q", "mdi6.power",
          "window.close", "Everything is saved already."),
    _spec(EDIT, "undo", "Undo", "Ctrl+Z", "mdi6.undo",
          "strokes.undo",
          "Undo the last stroke here, or a later change to classes or several images."),
    _spec(EDIT, "redo", "Redo", "Ctrl+Shift+Z", "mdi6.redo",
          "strokes.redo", "Redo what was undone last; also Ctrl+Y."),
    _spec(EDIT, "classes", "Classes…", "", "mdi6.format-list-bulleted",
          "project.edit_classes", "Add, rename, colour, merge, delete and order the classes."),
    _spec(EDIT, "keys", "Keyboard shortcuts…", "F1", "mdi6.keyboard-outline",
          "window.show_keys", "All keys on one sheet; click one to change it."),
    _spec(IMAGE, "accept", "Accept & next", "Return", "mdi6.check-bold",
          "acceptance.accept", "Freeze this mask as it is shown and open the next image."),
    _spec(IMAGE, "reopen", "Open again", "Ctrl+Shift+A", "mdi6.lock-open-variant-outline",
          "acceptance.reopen", "Undo the acceptance: the mask follows strokes and models again."),
    _spec(IMAGE, "take", "Take the other mask", "Shift+N", "mdi6.swap-horizontal",
          "offer.take", "Replaces your mask with that of newer models; press again to restore yours."),
    _spec(IMAGE, "flag", "Flag with a comment…", "C", "mdi6.flag-outline",
          "review.flag", "For somebody to look at again: the open image, or those chosen in the list."),
    _spec(IMAGE, "reject", "Reject…", "Shift+R", "mdi6.close-circle-outline",
          "review.reject", "The mask has to be made better: the open image's, or those chosen in the list."),
    _spec(IMAGE, "clear_review", "Remove flag or rejection", "Shift+C", "mdi6.flag-off-outline",
          "review.clear", "Of the open image, or of those chosen in the list."),
    _spec(IMAGE, "accept_chosen", "Accept the chosen images", "Ctrl+Return", "mdi6.check-all",
          "review.accept_chosen", "All images chosen in the list, as their masks are shown."),
    _spec(IMAGE, "tag_chosen", "Tag the chosen images…", "Ctrl+Shift+T", "mdi6.tag-multiple-outline",
          "review.tag_chosen", "Give all images chosen in the list a tag, or take one from them."),
    _spec(IMAGE, "accept_sure", "Accept sure masks…", "Ctrl+Shift+Return", "mdi6.view-module-outline",
          "review.accept_sure", "A sheet of all masks above a confidence, to look at and accept at once."),
    _spec(IMAGE, "undo_many", "Undo change to several images", "Ctrl+Alt+Z", "mdi6.undo-variant",
          "review.undo", "Takes the last one back: tags, acceptance, flags, also after a restart."),
    _spec(IMAGE, "next", "Next image", "D", "mdi6.chevron-right",
          "session.go", "Open the next image of the list.", args=(1,), repeats=True),
    _spec(IMAGE, "previous", "Previous image", "A", "mdi6.chevron-left",
          "session.go", "Open the image before this one.", args=(-1,), repeats=True),
    _spec(IMAGE, "next_unaccepted", "Next image that is not accepted", "Shift+D", "mdi6.chevron-double-right",
          "session.go_to_unaccepted", "Go on where work is left; from the top again after the last."),
    _spec(IMAGE, "copy_mask", "Copy mask to next image", "Shift+V", "mdi6.content-duplicate",
          "session.copy_to_next",
          "Its objects and your strokes, for series of photos of one size; undone there.", args=(True,)),
    _spec(IMAGE, "copy_strokes", "Copy strokes to next image", "Ctrl+Shift+V", "mdi6.content-copy",
          "session.copy_to_next", "Only what you painted: the mask there is proposed again.", args=(False,)),
    _spec(IMAGE, "sort_again", "Sort the list again", "F6", "mdi6.sort",
          "images.sort_again", "Filter and order by what holds now; by itself the list keeps still."),
    _spec(IMAGE, "add_tag", "Add a tag", "T", "mdi6.tag-plus-outline",
          "tags.begin_adding", "Tag what is in this picture."),
    _spec(IMAGE, "take_suggestion", "Take the suggested tag", "Shift+T", "mdi6.tag-check-outline",
          "tags.take_suggestion", "Tag the image with what the models suggest first."),
    _spec(IMAGE, "search", "Search images", "Ctrl+F", "mdi6.magnify",
          "images.begin_search", "Find images by name or tag."),
    *(
        _spec(PAINT, tool.name, tool.text, tool.shortcut, tool.icon,
              "paint.use_tool", tool.help, args=(tool.name,), choice="tool")
        for tool in TOOLS
    ),
    _spec(PAINT, "larger", "Larger brush", "]", "mdi6.plus-circle-outline",
          "canvas.scale_brush", "Also Ctrl + wheel.", args=(1.25,), repeats=True),
    _spec(PAINT, "smaller", "Smaller brush", "[", "mdi6.minus-circle-outline",
          "canvas.scale_brush", "Also Ctrl + wheel.", args=(0.8,), repeats=True),
    _spec(PAINT, "pen_pressure", "Pen pressure sets the size", "", "mdi6.pen",
          "paint.pen_pressure", "A tablet's pen paints broadly if pressed hard; its other end erases.",
          checkable=True),
    _spec(PAINT, "paint_seeds", "Paint seeds", "Q", "mdi6.seed-outline",
          "paint.paint_on",
          "Strokes steer the proposal and train the model.", args=("seeds",), choice="target"),
    _spec(PAINT, "paint_mask", "Paint mask", "M", "mdi6.layers-edit",
          "paint.paint_on",
          "Final edits by hand; they override everything else.", args=("mask",), choice="target"),
    _spec(PAINT, "protect", "Protect other classes", "L", "mdi6.shield-outline",
          "paint.protect_others",
          "Strokes do not overwrite what you painted as another class.", checkable=True),
    _spec(PAINT, "only_here", "Only here", "Y", "mdi6.circle-double",
          "paint.only_here",
          "Strokes change the mask near them and nowhere else; also Ctrl + Alt while painting.",
          checkable=True),
    _spec(PAINT, "fill_holes", "Fill holes", "Shift+F", "mdi6.circle",
          "shaping.fill_holes", "The chosen class takes what it surrounds in the mask, but no other class."),
    _spec(PAINT, "smooth", "Smooth outline", "Shift+S", "mdi6.vector-curve",
          "shaping.smooth", "Rounds the outline of the chosen class in the mask."),
    _spec(PAINT, "grow", "Grow by a pixel", "Ctrl+]", "mdi6.arrow-expand-all",
          "shaping.grow", "Moves the outline of the chosen class out by a pixel."),
    _spec(PAINT, "shrink", "Shrink by a pixel", "Ctrl+[", "mdi6.arrow-collapse-all",
          "shaping.shrink", "Moves the outline of the chosen class in by a pixel."),
    _spec(PAINT, "class_0", "Background", "0", "mdi6.selection-off",
          "tags.choose", "Paint background.", args=(0,)),
    *(
        _spec(PAINT, f"class_{n}", "Class {n}", str(n), "mdi6.numeric",
              "tags.choose", "Paint the class with this number in Tags.", args=(n,))
        for n in range(1, 10)
    ),
    _spec(PAINT, "undecided", "Undecided", "U", "mdi6.help-circle-outline",
          "paint.paint_undecided", "Pixels left out of training and evaluation (255 in the export)."),
    _spec(VIEW, "peek", "Peek at the photo", "H", "mdi6.eye-outline",
          "centre.peek", "Hides all layers while the key is held.", hold=True),
    _spec(VIEW, "look", "Look at the other mask", "N", "mdi6.compare",
          "offer.look", "Shows the mask that newer models propose, while the key is held.", hold=True),
    _spec(VIEW, "inspect", "Inspect view", "W", "mdi6.view-grid-outline",
          "centre.inspect", "Image, CAM, seeds, propagated and final mask side by side, zoomed together.",
          checkable=True),
    _spec(VIEW, "compare", "Compare masks", "Shift+W", "mdi6.compare-horizontal",
          "centre.compare",
          "The automatic mask, yours and the accepted one side by side; stripes show where they differ.",
          checkable=True),
    _spec(VIEW, "zoom_in", "Zoom in", "Ctrl++", "mdi6.magnify-plus-outline",
          "centre.zoom", "Also the mouse wheel, at the pointer.", args=(1.25,), repeats=True),
    _spec(VIEW, "zoom_out", "Zoom out", "Ctrl+-", "mdi6.magnify-minus-outline",
          "centre.zoom", "Also the mouse wheel, at the pointer.", args=(0.8,), repeats=True),
    _spec(VIEW, "fit", "Whole image", "Ctrl+0", "mdi6.fit-to-page-outline",
          "centre.fit", "Fit the image into the window."),
    _spec(VIEW, "actual_size", "Actual size", "Ctrl+1", "mdi6.numeric-1-box-outline",
          "centre.actual_size", "One pixel of the photo on one pixel of the screen."),
    _spec(VIEW, "zoom_object", "Zoom to object", "Z", "mdi6.image-filter-center-focus",
          "centre.zoom_to_object", "The object under the mouse; press again for the next one."),
    _spec(VIEW, "adjust_photo", "Brightness and contrast…", "Shift+B", "mdi6.tune-variant",
          "layers.adjust_photo", "Show the photo brighter or with more contrast; no mask changes."),
    _spec(VIEW, "reset_photo", "Photo as it is", "Ctrl+Shift+B", "mdi6.tune-vertical-variant",
          "look.reset", "Undo brightness, contrast and gamma."),
    _spec(VIEW, "pixel_grid", "Pixel grid", "Ctrl+G", "mdi6.grid",
          "look.show_grid", "Lines between the pixels, from a zoom of 1000 % on.", checkable=True),
    _spec(VIEW, "show_image", "Show photo", "Alt+1", "mdi6.image-outline",
          "canvas.set_layer_visible", "Show or hide the photo.", args=("image",), checkable=True),
    _spec(VIEW, "show_cam", "Show CAM", "Alt+2", "mdi6.blur",
          "canvas.set_layer_visible", "Show or hide where the classifier looked.", args=("cam",),
          checkable=True),
    _spec(VIEW, "show_seeds", "Show seed cues", "Alt+3", "mdi6.seed-outline",
          "canvas.set_layer_visible", "Show or hide the seed cues.", args=("seeds",), checkable=True),
    _spec(VIEW, "show_mask", "Show mask", "Alt+4", "mdi6.layers-outline",
          "canvas.set_layer_visible", "Show or hide the mask.", args=("mask",), checkable=True),
    _spec(VIEW, "show_strokes", "Show your strokes", "Alt+5", "mdi6.gesture",
          "canvas.set_layer_visible", "Show or hide what you painted on the seeds.", args=("strokes",),
          checkable=True),
    _spec(VIEW, "show_propagated", "Show propagated mask", "Alt+6", "mdi6.layers-triple-outline",
          "canvas.set_layer_visible",
          "Show or hide the mask before the stroke network drew its outlines.", args=("propagated",),
          checkable=True),
    _spec(VIEW, "outline_clicks", "Outline before a click", "O", "mdi6.cursor-default-click-outline",
          "paint.outline_clicks", "Outlines what a click would give, where the mouse rests.", checkable=True),
    _spec(VIEW, "full_screen", "Full screen", "F11", "mdi6.fullscreen",
          "window.full_screen", "Nothing but the desk.", checkable=True),
    _spec(TRAINER, "train", "Start or pause training", "Ctrl+T", "mdi6.play-pause",
          "trainer.toggle", "The trainer learns from your seed strokes while you work."),
    _spec(TRAINER, "learn_tags", "Learn from tags", "Ctrl+L", "mdi6.school-outline",
          "trainer.learn_tags", "Learn your classes from the tags of your images."),
    _spec(TRAINER, "propose_all", "Propose for all images", "Ctrl+P", "mdi6.auto-fix",
          "propose_all.start",
          "Propose a mask for every tagged image that has none, or one that is out of date."),
    _spec(HELP, "welcome", "First steps", "", "mdi6.lightbulb-outline",
          "window.show_welcome", "The three steps from a photo to a mask."),
    _spec(HELP, "tour", "Guided tour", "Shift+F1", "mdi6.map-marker-path",
          "window.show_tour", "A minute in which the desk shows its own parts; Esc leaves it."),
    _spec(HELP, "about", "About Affinity Annotator", "", "mdi6.information-outline",
          "window.about", "Version, method and licence."),
)  # fmt: skip


def translated(text: str, spec: ActionSpec | None = None) -> str:
    """A text of the table in the present language; `{n}` is the action's first argument."""
    shown = QCoreApplication.translate("actions", text)
    return shown.replace("{n}", str(spec.args[0])) if spec and spec.args else shown


class Actions(QObject):
    """The table as QActions, their keys as the person has set them."""

    keys_changed = Signal()
    held = Signal(
        object
    )  # the method of a held action: to be called with True now, and with False in the end

    def __init__(self, settings: DeskSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._groups: dict[str, QActionGroup] = {}
        self.by_id: dict[str, QAction] = {spec.id: self._make(spec) for spec in ACTIONS}
        self._show_keys()

    def __getitem__(self, action_id: str) -> QAction:
        return self.by_id[action_id]

    def connect_slots(self, owners: Mapping[str, object]) -> None:
        """Connect every action to the method its `slot` names; `owners` gives the objects by name."""
        for spec in ACTIONS:
            owner, method = spec.slot.split(".")
            call = getattr(owners[owner], method)
            if spec.hold:
                self.by_id[spec.id].triggered.connect(lambda _=False, call=call: self.held.emit(call))
            elif spec.checkable:
                self.by_id[spec.id].toggled.connect(lambda on, call=call, args=spec.args: call(*args, on))
            else:
                self.by_id[spec.id].triggered.connect(lambda _=False, call=call, args=spec.args: call(*args))

    def repeats(self, key: QKeySequence) -> bool:
        """Whether a key kept down does its action again and again."""
        return any(spec.repeats and key in self.by_id[spec.id].shortcuts() for spec in ACTIONS)

    def trigger(self, key: QKeySequence) -> None:
        """Do what a key stands for, as if it had been pressed."""
        for action in self.by_id.values():
            if key in action.shortcuts():
                action.trigger()

    def key(self, action_id: str) -> str:
        """The key of an action in portable text, "" for none."""
        return self._settings.keys.get(action_id, spec_of(action_id).key)

    def key_text(self, action_id: str) -> str:
        """The key of an action as it stands on the keyboard, "" for none."""
        return QKeySequence(self.key(action_id)).toString(QKeySequence.SequenceFormat.NativeText)

    def conflict(self, action_id: str, key: str) -> ActionSpec | None:
        """The other action that already has this key, or one that comes with it."""
        wanted = set(_all_keys(key))
        others = (spec for spec in ACTIONS if spec.id != action_id)
        return next((spec for spec in others if wanted.intersection(_all_keys(self.key(spec.id)))), None)

    def set_key(self, action_id: str, key: str) -> None:
        """Give an action another key and remember it. Raises ValueError when another action has it."""
        if (other := self.conflict(action_id, key)) is not None:
            raise ValueError(translated(other.text, other))
        keys = {**self._settings.keys, action_id: key}
        self._settings.keys = {id: value for id, value in keys.items() if value != spec_of(id).key}
        self._show_keys()

    def reset_keys(self) -> None:
        """Give every action its first key back."""
        self._settings.keys = {}
        self._show_keys()

    def _make(self, spec: ActionSpec) -> QAction:
        action = QAction(_menu_text(spec), self)
        action.setObjectName(spec.id)
        action.setStatusTip(translated(spec.help))
        action.setCheckable(spec.checkable or bool(spec.choice))
        action.setAutoRepeat(spec.repeats)
        if spec.choice:
            group = self._groups.setdefault(spec.choice, QActionGroup(self))
            group.addAction(action)
        return action

    def _show_keys(self) -> None:
        for spec in ACTIONS:
            action, key = self.by_id[spec.id], self.key(spec.id)
            action.setShortcuts([QKeySequence(one) for one in _all_keys(key)])
            title = translated(spec.text, spec).rstrip("…")
            action.setToolTip(f"<b>{title}</b> &nbsp;{self.key_text(spec.id)}<br>{translated(spec.help)}")
        self.keys_changed.emit()


def _all_keys(key: str) -> list[str]:
    """The keys that do what `key` is set for, none for ""."""
    return [one for one in (key, ALSO.get(key)) if one]


def _menu_text(spec: ActionSpec) -> str:
    # A single & would underline the letter after it.
    return translated(spec.text, spec).replace("&", "&&")


def spec_of(action_id: str) -> ActionSpec:
    """The row of the table with this id."""
    return _BY_ID[action_id]


_BY_ID = {spec.id: spec for spec in ACTIONS}
