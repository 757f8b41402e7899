"""The open image as arrays: what was computed, what was painted, and both combined."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from annotator.boxes import Box, slices
from annotator.session.pyramid import pyramid
from trainer.data.classes import EDIT_VOID, UNTOUCHED, VOID
from trainer.data.images import load_image
from trainer.data.journal import PAINTED
from trainer.data.project import Project, Status, Target

if TYPE_CHECKING:
    from trainer.engine import Proposal, Suggestion

Labels = NDArray[np.uint8]
KEPT_MASKS = 12


@dataclass(frozen=True, eq=False)
class Basis:
    """What the mask of an image comes from.

    With `kept`, a mask and the corrections it was made under, the proposal only adds what other corrections
    change: the rest of that mask stays, whichever models made it.
    """

    proposal: "Proposal"
    kept: tuple[Labels, Labels] | None = None

    def mask(self, corrections: Labels) -> Labels:
        """The mask under `corrections`, both uint8 H×W."""
        *_, mask = self.masks(corrections, sketch=False)
        return mask

    def masks(self, corrections: Labels, sketch: bool = True) -> Iterator[Labels]:
        """Yield the mask under `corrections`; with `sketch`, where that takes longer, a rougher one first."""
        for mask in self.proposal.answers(corrections, sketch):
            if self.kept is None:
                yield mask
            else:
                kept, then = self.kept
                changed = (mask != self.proposal.refine(then)) | (corrections != then)
                yield np.where(changed, mask, kept)


@dataclass(eq=False)
class Stroke:
    """A stroke on the layer of `target`, while it is drawn: `cover` (bool H×W) and `box` grow with it.

    `value` and `protect_others` are as in `changing`.
    """

    target: Target
    cover: NDArray[np.bool_]
    value: int
    protect_others: bool = False
    box: Box | None = None

    def over(self, held: Labels, box: Box) -> Labels:
        """What `held`, the layer inside `box`, becomes."""
        painted = changing(held, self.cover[slices(box)], self.value, self.protect_others)
        return np.where(painted, np.uint8(self.value), held)


def changing(
    held: Labels, cover: NDArray[np.bool_], value: int, protect_others: bool = False
) -> NDArray[np.bool_]:
    """Which covered pixels painting `value` (255 takes strokes away) changes where a layer holds `held`.

    With `protect_others`, pixels the person already gave another class keep it. Erasing is never held back.
    """
    changed = cover & (held != value)
    if protect_others and value != UNTOUCHED:
        changed &= held == UNTOUCHED
    return changed


@dataclass
class Document:
    """One image and its layers; every array is H×W uint8 unless said otherwise.

    `seeds` and `mask` are what is shown: the computed map below, the person's strokes above it, and a stroke
    that is still being drawn (`preview`) on top. The mask of one that is `held` stays as it is when models
    change; what the new ones make of the image is `offered`, and shown as `looked_at` while somebody looks.
    That of one that is `imported` stays also when tags or settings do.
    """

    id: str
    levels: list[Labels]  # the photo, H×W×3 RGB, and its halvings
    corrections: Labels  # 255 untouched, else a class
    mask_edits: Labels  # 255 untouched, 254 void, else a class
    marks: Labels  # of what is one object, 255 untouched (see `trainer.data.objects`)
    base_mask: Labels  # proposal, refined by the corrections; or the accepted mask
    accepted: bool
    basis: Basis | None = None
    kept: tuple[Labels, Labels] | None = None  # a mask from disk that stays, and the corrections below it
    held: bool = False
    imported: bool = False
    offered: Basis | None = None
    looked_at: Labels | None = None
    last_accepted: Labels | None = None  # also when the image is open again
    suggestions: "tuple[Suggestion, ...]" = ()  # tags that the models would give it
    propagated: Labels | None = None  # what propagation alone makes of the seeds, those of strokes as well
    auto_seeds: Labels = field(init=False)
    seeds: Labels = field(init=False)
    mask: Labels = field(init=False)
    preview: Stroke | None = None

    def __post_init__(self) -> None:
        self.auto_seeds = np.full(self.shape, VOID, np.uint8)
        self.seeds = self.auto_seeds.copy()
        self.mask = self.base_mask.copy()
        self._refined: LRUCache[bytes, Labels] = LRUCache(KEPT_MASKS)
        self._refining = Lock()
        self.compose(self.whole)

    @classmethod
    def load(cls, project: Project, image_id: str, levels: list[Labels] | None = None) -> "Document":
        """Read image, journal and masks from disk; not the image if `levels` holds it. Raises DataError for
        one that cannot be read.
        """
        record = project.record(image_id)
        levels = levels or pyramid(load_image(project.photo(image_id)))
        shape = (levels[0].shape[0], levels[0].shape[1])
        accepted = project.accepted_mask(image_id)
        base = accepted if accepted is not None else project.proposal_mask(image_id)
        stored = base is not None and base.shape == shape
        if base is None or not stored:
            base = np.full(shape, VOID, np.uint8)
        corrections = project.layer(image_id, Target.SEEDS, shape)
        marks = project.layer(image_id, Target.OBJECTS, shape)
        mask_edits = project.layer(image_id, Target.MASK, shape)
        document = cls(image_id, levels, corrections, mask_edits, marks, base, accepted is not None)
        last = project.last_accepted_mask(image_id) if accepted is None else accepted
        document.last_accepted = last if last is not None and last.shape == shape else None
        painted = corrections != UNTOUCHED
        imported = project.imported_mask(image_id)
        if imported is not None and imported.shape == shape:
            untouched = np.full_like(corrections, UNTOUCHED)
            document.imported, document.kept, document.held = True, (imported, untouched), True
        elif record.status is Status.CORRECTED and stored and (base == corrections)[painted].all():
            document.kept, document.held = (base, corrections.copy()), True
        return document

    @property
    def image(self) -> Labels:
        """The photo at its own size, H×W×3 RGB."""
        return self.levels[0]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def whole(self) -> Box:
        """The box of the whole image."""
        return 0, 0, *self.shape

    def painted(self, target: Target) -> Labels:
        """The layer that strokes on `target` write to."""
        layers = {Target.SEEDS: self.corrections, Target.MASK: self.mask_edits, Target.OBJECTS: self.marks}
        return layers[target]

    def compose(self, box: Box, targets: Iterable[Target] = PAINTED) -> None:
        """Recompose `seeds` and `mask` inside `box`, or only that which is painted on one of `targets`."""
        window = slices(box)
        for target in targets:
            painted = self._with_preview(target, box)
            if target is Target.SEEDS:
                _lay(self.seeds[window], self.auto_seeds[window], painted)
            else:
                _lay(self.mask[window], self.base_mask[window], painted)
                self.mask[window][painted == EDIT_VOID] = VOID

    def paint(self, target: Target, box: Box, after: Labels) -> None:
        """Write `after` into the layer of `target`; `compose` shows it."""
        self.painted(target)[slices(box)] = after

    def freeze(self, mask: Labels) -> None:
        """Take `mask` as accepted: proposals and strokes no longer change it."""
        self.base_mask, self.accepted = mask, True
        self.last_accepted = mask

    def preview_corrections(self) -> Labels:
        """A copy of the corrections with the stroke that is being drawn; callable from any thread.

        A stroke of the same moment may be in it by half: whoever paints asks for another copy afterwards.
        """
        return self._with_preview(Target.SEEDS, self.whole).copy()

    @property
    def proposal(self) -> "Proposal | None":
        """The proposal that is in use; None until there is one."""
        return self.basis.proposal if self.basis else None

    @property
    def automatic(self) -> Labels | None:
        """The mask before any stroke: the imported one, or that of the models in use; None without either."""
        if self.imported and self.kept is not None:
            return self.kept[0]
        return self.proposal.mask if self.proposal is not None else None

    def adopt(self, basis: Basis) -> None:
        """Use another basis; refined masks of the old one are forgotten."""
        with self._refining:
            self._refined.clear()
        self.basis = basis
        self.propagated = basis.proposal.propagated

    def release(self) -> None:
        """Let the mask follow the next proposal: the person has asked for one."""
        self.held, self.offered = False, None
        if not self.imported:
            self.kept = None

    def finished(self, mask: Labels) -> Labels:
        """A copy of `mask` with the person's hand edits over it."""
        finished = np.empty_like(mask)
        _lay(finished, mask, self.mask_edits)
        finished[self.mask_edits == EDIT_VOID] = VOID
        return finished

    def refined(self, corrections: Labels) -> Labels:
        """The proposal's mask under `corrections`; callable from any thread.

        The same corrections give back the very same mask, so an undone stroke restores every pixel.
        """
        *_, mask = self.answers(corrections, sketch=False)
        return mask

    def answers(self, corrections: Labels, sketch: bool = True) -> Iterator[Labels]:
        """Yield what `refined` returns; with `sketch`, where that takes longer, a rougher mask before it."""
        basis = self.basis
        if basis is None:
            yield self.base_mask
            return
        key = blake2b(np.ascontiguousarray(corrections).data, digest_size=16).digest()
        with self._refining:
            known = self._refined.get(key)
        if known is not None:
            yield known
            return
        for mask in basis.masks(corrections, sketch):
            yield mask
        with self._refining:
            if self.basis is basis:
                self._refined[key] = mask

    def glimpse(self, corrections: Labels, class_id: int) -> NDArray[np.bool_]:
        """Roughly where `refined` shows a class, much sooner; callable from any thread."""
        if self.basis is None:
            return self.base_mask == class_id
        return self.basis.proposal.glimpse(corrections, class_id)

    def _with_preview(self, target: Target, box: Box) -> Labels:
        """The painted layer inside `box`, the stroke being drawn on top; a view when there is none."""
        window = self.painted(target)[slices(box)]
        drawn = self.preview
        return drawn.over(window, box) if drawn is not None and drawn.target is target else window


def _lay(out: Labels, below: Labels, above: Labels) -> None:
    """Write `below`, and what is painted in `above` over it; in place, as large copies would be felt."""
    np.copyto(out, below)
    np.copyto(out, above, where=above != UNTOUCHED)
