"""Image + tags → `Proposal`: the whole method behind one call, without Qt, a project or a disk."""

from trainer.engine.engine import Engine
from trainer.engine.models import Models
from trainer.proposal import Proposal, Suggestion

__all__ = ["Engine", "Models", "Proposal", "Suggestion"]
