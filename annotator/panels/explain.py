"""What a term of the method means, in a few words, with the picture of it on the open photo."""

from PySide6.QtCore import QCoreApplication, QSize
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QToolButton, QVBoxLayout, QWidget

from annotator.canvas.view import CanvasView
from annotator.session import Session
from annotator.widgets import explanation

PICTURE = QSize(460, 320)
LAYERS = {
    "cam": ("image", "cam"),
    "seeds": ("image", "seeds"),
    "alpha": ("image", "seeds"),
    "affinity": ("image", "propagated"),
}
"""What the picture of each term shows."""


def title_and_text(term: str) -> tuple[str, str]:
    """The name of a term and what it means, in the present language."""
    return {
        "cam": (
            QCoreApplication.translate("explain", "CAM: class activation map"),
            QCoreApplication.translate(
                "explain",
                "Where the classifier, which knows tags alone, looked to tell that a class is in the photo. "
                "Bright counted most. It finds what is most telling, a face for instance, and no outline.",
            ),
        ),
        "seeds": (
            QCoreApplication.translate("explain", "Seed cues"),
            QCoreApplication.translate(
                "explain",
                "The pixels that the CAM is sure of: coloured ones show their class, hatched ones are "
                "background. What lies between is left open, and your strokes are cues as well.",
            ),
        ),
        "alpha": (
            QCoreApplication.translate("explain", "α: how much is background"),
            QCoreApplication.translate(
                "explain",
                "Background scores (1 − CAM)^α. A small α makes much of the photo background, so what is "
                "left is surely an object; a large one makes little, so that little is surely background.",
            ),
        ),
        "affinity": (
            QCoreApplication.translate("explain", "AffinityNet"),
            QCoreApplication.translate(
                "explain",
                "Tells of two pixels near each other whether they belong to the same thing. CAM scores walk "
                "from pixel to pixel where they do, and stop at outlines: so a few sure pixels fill a mask.",
            ),
        ),
    }[term]


class ExplainDialog(QDialog):
    """A term, what it means, and how it looks on the photo that is open."""

    def __init__(self, session: Session, term: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title, text = title_and_text(term)
        self.setWindowTitle(title)
        name, words = QLabel(title), explanation(text)
        name.setProperty("heading", True)
        self.picture = CanvasView(session, self, layers=LAYERS[term], editable=False)
        self.picture.setFixedSize(PICTURE)
        self.picture.setVisible(session.proposal is not None)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 12)
        layout.setSpacing(9)
        for widget in (name, words, self.picture, buttons):
            layout.addWidget(widget)


class ExplainButton(QToolButton):
    """A “?” that explains a term."""

    def __init__(self, session: Session, term: str) -> None:
        super().__init__()
        self._session, self._term = session, term
        title, text = title_and_text(term)
        self.setText("?")
        self.setAccessibleName(self.tr("What is this? {term}").format(term=title))
        self.setToolTip(f"<b>{title}</b><br>{text}")
        self.clicked.connect(self._explain)

    def _explain(self) -> None:
        dialog = ExplainDialog(self._session, self._term, self.window())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
