"""The inspect view: image, CAM, seed cues, propagated and final mask, side by side."""

from PySide6.QtWidgets import QComboBox

from annotator.canvas.layered_view import shown_cam
from annotator.canvas.panes import Pane, Panes, class_entries
from annotator.widgets import ComboBox


class InspectView(Panes):
    """Why the mask looks the way it does. The panes of seeds and mask can be painted on."""

    def make_panes(self) -> dict[str, Pane]:
        """See `Panes.make_panes`."""
        panes = {
            "image": self.pane(self.tr("Image")),
            "cam": self.pane(self.tr("CAM"), "cam"),
            "seeds": self.pane(self.tr("Seeds"), "seeds", "strokes", editable=True),
            "propagated": self.pane(self.tr("Propagated"), "propagated"),
            "mask": self.pane(self.tr("Final mask"), "mask", editable=True),
        }
        self.cam_class = ComboBox()
        self.cam_class.setAccessibleName(self.tr("Class of the CAM"))
        self.cam_class.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.cam_class.activated.connect(self._choose_cam)
        header = panes["cam"].header
        header.insertWidget(header.indexOf(panes["cam"].close_button), self.cam_class)
        return panes

    def hint(self) -> str:
        """See `Panes.hint`."""
        return self.tr("Drag to move the image; the panes of seeds and mask can be painted on.")

    def describe(self) -> None:
        """See `Panes.describe`."""
        session = self._session
        classes, cam = session.cam_classes, shown_cam(session)
        self.cam_class.clear()
        for class_id in classes:
            self.cam_class.addItem(session.classes.name_of(class_id), class_id)
        self.cam_class.setVisible(bool(classes))
        if cam is not None:
            self.cam_class.setCurrentIndex(classes.index(cam[0]))
        named = class_entries(session)
        background = [("▨", self.tr("background"))] if named else []
        self.panes["seeds"].legend.show_entries(background + named)
        for name in ("propagated", "mask"):
            self.panes[name].legend.show_entries(named)

    def _choose_cam(self, index: int) -> None:
        self._session.cam_class = self.cam_class.itemData(index)
