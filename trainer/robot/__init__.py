"""The simulated annotator: protocols, the methods that answer its clicks, and the scores of both.

Here stand only names, for a command line that loads the rest when it runs.
"""

from __future__ import annotations

from typing import Literal

ProtocolName = Literal["clicks", "proposal", "noisy"]

OURS, RANDOM_WALKER, GRABCUT = METHODS = ("ours", "random-walker", "grabcut")
