"""Files that ship with the program: class lists, themes, translations, bundled weights."""

from pathlib import Path


def path(*parts: str) -> Path:
    """Return the path of an installed resource, as in ``path("classes", "voc20.txt")``; it need not exist."""
    return Path(__file__).parent.joinpath(*parts)
