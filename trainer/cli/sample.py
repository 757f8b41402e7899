"""`sample DIR`: write the sample data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; created if missing.")],
) -> None:
    """Write the six tagged sample photos to a folder."""
    from trainer.data.sample import build_sample

    print(build_sample(folder))
