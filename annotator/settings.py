"""Preferences that the desk keeps between starts, typed, in the user's ini file."""

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings, QThreadPool

RECENT = 8
SMALLEST_BRUSH = 0.5
"""Smallest radius of the brush, in image pixels."""
BRUSH_SHARES = (0.001, 0.5)
"""Smallest and largest radius of the brush, as shares of the photo's longer side."""

_writer = QThreadPool()
"""One thread, so that values are written in order; the window does not wait for the disk."""
_writer.setMaxThreadCount(1)


class DeskSettings:
    """Preferences and memory of the desk. A value that cannot be read counts as its default."""

    def __init__(self) -> None:
        self.finish()  # another one may have written a moment ago
        store = _store()
        self._values = {key: store.value(key) for key in store.allKeys()}

    @staticmethod
    def finish() -> None:
        """Wait until everything is on disk; without this that happens soon."""
        _writer.waitForDone()

    @property
    def theme(self) -> str:
        """ "system", "dark" or "light"."""
        return self._text("theme", "system")

    @theme.setter
    def theme(self, value: str) -> None:
        self._keep("theme", value)

    @property
    def language(self) -> str:
        """ "system" or the name of a translation, such as "en" or "zh_CN"."""
        return self._text("language", "system")

    @language.setter
    def language(self, value: str) -> None:
        self._keep("language", value)

    @property
    def keys(self) -> dict[str, str]:
        """Keys that differ from the table's, by action id."""
        value = self._json("keys", {})
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

    @keys.setter
    def keys(self, value: dict[str, str]) -> None:
        self._keep("keys", json.dumps(value))

    @property
    def recent(self) -> list[Path]:
        """Folders and project files opened lately, newest first."""
        value = self._json("recent", [])
        return [Path(str(item)) for item in value] if isinstance(value, list) else []

    def add_recent(self, path: Path) -> None:
        """Put a path at the head of `recent`."""
        paths = [path, *(other for other in self.recent if other != path)][:RECENT]
        self._keep("recent", json.dumps([str(one) for one in paths]))

    @property
    def brush_share(self) -> float:
        """Radius of the brush as a share of the photo's longer side: it is as large on the next photo."""
        try:
            low, high = BRUSH_SHARES
            return min(max(float(self._text("brush_share", "0.024")), low), high)
        except ValueError:
            return 0.024

    @brush_share.setter
    def brush_share(self, value: float) -> None:
        self._keep("brush_share", str(value))

    @property
    def outline_clicks(self) -> bool:
        """Whether the outline that a click would lead to is shown under the resting mouse."""
        return self._text("outline_clicks", "yes") == "yes"

    @outline_clicks.setter
    def outline_clicks(self, value: bool) -> None:
        self._keep("outline_clicks", "yes" if value else "no")

    @property
    def pen_pressure(self) -> bool:
        """Whether a pen paints the more broadly the harder it is pressed."""
        return self._text("pen_pressure", "yes") == "yes"

    @pen_pressure.setter
    def pen_pressure(self, value: bool) -> None:
        self._keep("pen_pressure", "yes" if value else "no")

    @property
    def pixel_grid(self) -> bool:
        """Whether lines part the pixels of a photo that is much enlarged."""
        return self._text("pixel_grid", "yes") == "yes"

    @pixel_grid.setter
    def pixel_grid(self, value: bool) -> None:
        self._keep("pixel_grid", "yes" if value else "no")

    @property
    def use_gpu(self) -> bool:
        """Whether networks compute on the GPU where there is one."""
        return self._text("use_gpu", "yes") == "yes"

    @use_gpu.setter
    def use_gpu(self, value: bool) -> None:
        self._keep("use_gpu", "yes" if value else "no")

    @property
    def layers(self) -> dict[str, tuple[bool, float]]:
        """Of each layer of the canvas, whether it is shown and how strongly, 0…1; empty at first."""
        value = self._json("layers", {})
        if not isinstance(value, dict):
            return {}
        kept = (one for one in value.items() if isinstance(one[1], list) and len(one[1]) == 2)
        return {str(name): (bool(shown), float(strength)) for name, (shown, strength) in kept}

    @layers.setter
    def layers(self, value: dict[str, tuple[bool, float]]) -> None:
        self._keep("layers", json.dumps(value))

    @property
    def closed_panes(self) -> tuple[str, ...]:
        """Names of the panes of the inspect view that are closed."""
        value = self._json("closed_panes", [])
        return tuple(str(name) for name in value) if isinstance(value, list) else ()

    @closed_panes.setter
    def closed_panes(self, value: tuple[str, ...]) -> None:
        self._keep("closed_panes", json.dumps(value))

    @property
    def welcomed(self) -> bool:
        """Whether the first steps have been put away."""
        return self._text("welcomed", "no") == "yes"

    @welcomed.setter
    def welcomed(self, value: bool) -> None:
        self._keep("welcomed", "yes" if value else "no")

    @property
    def layout(self) -> tuple[QByteArray, QByteArray]:
        """Geometry and dock state of the window; empty at first."""
        geometry, state = self._values.get("geometry"), self._values.get("state")
        return (
            geometry if isinstance(geometry, QByteArray) else QByteArray(),
            state if isinstance(state, QByteArray) else QByteArray(),
        )

    @layout.setter
    def layout(self, value: tuple[QByteArray, QByteArray]) -> None:
        self._keep("geometry", value[0])
        self._keep("state", value[1])

    def _keep(self, name: str, value: object) -> None:
        self._values[name] = value
        _writer.start(lambda: _write(name, value))

    def _text(self, name: str, default: str) -> str:
        value = self._values.get(name, default)
        return value if isinstance(value, str) else default

    def _json(self, name: str, default: Any) -> Any:
        try:
            return json.loads(self._text(name, json.dumps(default)))
        except ValueError:
            return default


def _store() -> QSettings:
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "affinity-annotator", "desk")


def _write(name: str, value: object) -> None:
    store = _store()
    store.setValue(name, value)
    store.sync()
