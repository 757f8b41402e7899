"""What the program is."""

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from annotator.widgets import explanation
from trainer.about import program_version


class AboutDialog(QDialog):
    """Name, version, method, licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About Affinity Annotator"))
        title = QLabel("Affinity Annotator")
        title.setProperty("title", True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(10)
        layout.addWidget(title)
        layout.addWidget(explanation(self.tr("Version {version}").format(version=program_version())))
        text = QLabel(
            self.tr(
                "Turns image-level tags into pixel masks, explains every proposal on the canvas, and learns "
                "from your strokes. The method: Ahn and Kwak, “Learning Pixel-level Semantic Affinity with "
                "Image-level Supervision”, CVPR 2018."
            )
        )
        text.setWordWrap(True)
        text.setFixedWidth(400)
        layout.addWidget(text)
        layout.addWidget(explanation(self.tr("MIT licence. Nothing you open leaves this computer.")))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
