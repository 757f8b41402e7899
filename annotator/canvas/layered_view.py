"""The layers of the open image over one another, shown or hidden, strongly or weakly."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from annotator.canvas.layers import CamItem, ComparedItem, LayerItem, MaskItem, SeedsItem, StrokesItem
from annotator.canvas.look import Look
from annotator.canvas.navigation import NavigableView
from annotator.canvas.photo import ImageItem
from annotator.canvas.pixel_grid import GRID_FROM, draw_grid
from annotator.session import Session

LAYERS = ("image", "cam", "propagated", "mask", "seeds", "strokes")  # from bottom to top
COMPARED = ("automatic", "accepted")  # masks that only the compare view shows


class LayeredView(NavigableView):
    """Photo, CAM, masks and seed cues, each an item of its own; they follow the session and the look."""

    layers_changed = Signal()

    def __init__(
        self, session: Session, layers: tuple[str, ...], look: Look, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.look = session, look
        self.image_item = ImageItem()
        self.items_by_name: dict[str, LayerItem] = {
            "image": self.image_item,
            "cam": CamItem(lambda: cam[1] if (cam := shown_cam(session)) else None),
            "propagated": MaskItem(lambda: session.propagated),
            "mask": MaskItem(
                lambda: session.shown_mask,
                lambda: session.mask_edits,
                lambda: session.objects.numbers,
            ),
            "seeds": SeedsItem(lambda: session.seeds),
            "strokes": StrokesItem(lambda: session.corrections),
            "automatic": ComparedItem(lambda: session.automatic, lambda: session.mask),
            "accepted": ComparedItem(lambda: session.accepted_mask, lambda: session.mask),
        }
        for name in (*LAYERS, *COMPARED):
            self.scene().addItem(self.items_by_name[name])
        self._shown = dict.fromkeys(self.items_by_name, False) | dict.fromkeys(layers, True)
        self.peeking = False
        for name, item in self.items_by_name.items():
            item.setVisible(self._shown[name])
        session.proposal_changed.connect(self._redraw)
        session.classes_changed.connect(self._recolour)
        session.objects.changed.connect(self.items_by_name["mask"].update)
        session.layer_changed.connect(self._refresh_layer)
        look.changed.connect(self._follow_look)
        self._follow_look()

    def layer_visible(self, name: str) -> bool:
        """Whether a layer is switched on (peeking aside)."""
        return self._shown[name]

    def set_layer_visible(self, name: str, visible: bool) -> None:
        """Switch a layer on or off."""
        self._shown[name] = visible
        self.apply_visibility()
        self.layers_changed.emit()

    def layer_opacity(self, name: str) -> float:
        """How strongly a layer is drawn, 0…1."""
        return self.items_by_name[name].strength

    def set_layer_opacity(self, name: str, opacity: float) -> None:
        """Draw a layer more strongly or weakly, 0…1. The mask keeps its outline at 0."""
        self.items_by_name[name].set_strength(opacity)
        self.layers_changed.emit()

    def restore_layers(self, layers: Mapping[str, tuple[bool, float]]) -> None:
        """Show layers as they were shown before, and as strongly."""
        for name, (shown, strength) in layers.items():
            if name in self.items_by_name:
                self.set_layer_visible(name, shown)
                self.set_layer_opacity(name, min(max(strength, 0.0), 1.0))

    def peek(self, on: bool) -> None:
        """Hide everything but the photo while `on`."""
        self.peeking = on
        self.apply_visibility()

    def apply_visibility(self) -> None:
        """Show the layers that are switched on."""
        for name, item in self.items_by_name.items():
            item.setVisible(self._shown[name] and (name == "image" or not self.peeking))
        self.viewport().update()

    def show_document(self) -> None:
        """Show the layers of the image that is open now."""
        document = self.session.document
        for item in self.items_by_name.values():
            item.set_extent(document.shape if document is not None else (0, 0))
        self.image_item.set_levels(document.levels if document is not None else [])

    def draw_pixel_grid(self, painter: QPainter, exposed: QRectF) -> None:
        """Draw lines between the pixels where they are large, inside `exposed`, image coordinates."""
        if self.look.grid and self.zoom_factor >= GRID_FROM:
            draw_grid(painter, exposed, self.image_size)

    def _recolour(self) -> None:
        for item in self.items_by_name.values():
            item.set_strength(item.strength)
        self._redraw()

    def _redraw(self) -> None:
        for item in self.items_by_name.values():
            item.update()
        self.viewport().update()

    def _refresh_layer(self, name: str, dirty: QRect) -> None:
        self.items_by_name[name].refresh(dirty)
        also = {"seeds": ("strokes",), "mask": COMPARED}.get(name, ())
        for other in also:
            self.items_by_name[other].refresh(dirty)

    def _follow_look(self) -> None:
        self.image_item.set_tone(self.look.tone)
        self.viewport().update()


def shown_cam(session: Session) -> tuple[int, NDArray[np.float32]] | None:
    """The class whose activation is shown and its map: the chosen, the painted or the first one."""
    cams, classes = session.cams, session.cam_classes
    if cams is None or not classes:
        return None
    wanted = (session.cam_class, session.class_id)
    chosen = next((each for each in wanted if each in classes), classes[0])
    return chosen, cams[classes.index(chosen)]
