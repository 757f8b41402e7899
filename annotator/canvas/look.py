"""How the photo is looked at: brightness, contrast, gamma, pixel grid. No mask and no model knows of it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

GAMMAS = (0.25, 4.0)
STRONGEST_CONTRAST = 4.0
"""How much steeper the curve is at a contrast of 1; at −1 it is as much flatter."""


@dataclass(frozen=True)
class Tone:
    """What the photo's values become on the screen.

    Brightness and contrast are in −1…1; a gamma above 1 shows more in the shadows.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0

    def curve(self) -> NDArray[np.uint8]:
        """The value on the screen for each of the 256 values of the photo."""
        value = np.linspace(0.0, 1.0, 256) ** (1 / self.gamma)
        value = (value - 0.5) * STRONGEST_CONTRAST**self.contrast + 0.5 + self.brightness / 2
        return np.rint(255 * value.clip(0, 1)).astype(np.uint8)


AS_IT_IS = Tone()


class Look(QObject):
    """What every canvas of the desk shows alike."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tone, self._grid = AS_IT_IS, True

    @property
    def tone(self) -> Tone:
        """How bright photos are shown."""
        return self._tone

    @property
    def adjusted(self) -> bool:
        """Whether photos are shown otherwise than they are."""
        return self._tone != AS_IT_IS

    def adjust(self, **values: float) -> None:
        """Change fields of the tone."""
        self._set(replace(self._tone, **values))

    def reset(self) -> None:
        """Show photos as they are."""
        self._set(AS_IT_IS)

    @property
    def grid(self) -> bool:
        """Whether lines part the pixels of a photo that is much enlarged."""
        return self._grid

    def show_grid(self, on: bool) -> None:
        """Draw the lines, or no longer."""
        if on != self._grid:
            self._grid = on
            self.changed.emit()

    def _set(self, tone: Tone) -> None:
        if tone != self._tone:
            self._tone = tone
            self.changed.emit()
