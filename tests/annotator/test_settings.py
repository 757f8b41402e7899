"""Preferences: there at the next start, in the order they were given, and whatever the file holds."""

from pathlib import Path

from PySide6.QtCore import QSettings

from annotator.settings import DeskSettings


def test_what_was_chosen_last_is_there_at_the_next_start() -> None:
    settings = DeskSettings()
    for share in (0.01, 0.02, 0.03):
        settings.brush_share = share
    settings.keys = {"brush": "K"}
    settings.add_recent(Path("/photos/cats"))
    settings.add_recent(Path("/photos/dogs"))
    assert settings.brush_share == 0.03
    again = DeskSettings()
    assert again.brush_share == 0.03 and again.keys == {"brush": "K"}
    assert again.recent == [Path("/photos/dogs"), Path("/photos/cats")]


def test_a_damaged_file_counts_as_none() -> None:
    DeskSettings().theme = "dark"
    DeskSettings.finish()
    file = QSettings(
        QSettings.Format.IniFormat, QSettings.Scope.UserScope, "affinity-annotator", "desk"
    ).fileName()
    Path(file).write_text("[General]\nkeys=no json\nbrush_share=wide\n")
    damaged = DeskSettings()
    assert damaged.theme == "system" and damaged.keys == {} and damaged.brush_share == 0.024
