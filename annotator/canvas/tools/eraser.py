"""The eraser: a brush that takes strokes back."""

from annotator.canvas.tools.brush import Brush


class Eraser(Brush):
    """A brush that gives pixels back to the method."""

    name = "eraser"
    text = "Eraser"
    shortcut = "E"
    icon = "mdi6.eraser"
    help = "Return pixels to the proposal."
    erases = True
