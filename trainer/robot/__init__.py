"""The simulated annotator: protocols, the methods that answer its clicks, and the scores of both.

Here stand only names and options, for a command line that loads the rest when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProtocolName = Literal["clicks", "proposal", "noisy"]

OURS, RANDOM_WALKER, GRABCUT = METHODS = ("ours", "random-walker", "grabcut")

Order = Literal["suggested", "random"]


@dataclass(frozen=True)
class CurveOptions:
    """What is simulated.

    Attributes:
        corrected: photos that are corrected in all.
        every: after so many of them the others are looked at.
        order: suggested: those first whose masks are the least sure at the start; random: by `seed`.
        accept: accept the masks; else leave strokes alone.
        sample: of the photos not corrected, so many are annotated to count their strokes.
        seed: the source of all chance.
    """

    corrected: int = 24
    every: int = 4
    order: Order = "suggested"
    accept: bool = True
    sample: int = 40
    seed: int = 0
