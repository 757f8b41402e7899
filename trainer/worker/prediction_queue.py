"""Pending predictions, most urgent first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count

from trainer.worker.messages import Predict, Priority


@dataclass(frozen=True)
class Request:
    """One proposal to make; `fast` is the single-scale one, made first where somebody is waiting for it."""

    image: str
    priority: int
    order: int
    fast: bool


class Requests:
    """At most one request an image; asking again starts it again and never makes it less urgent."""

    def __init__(self) -> None:
        self._waiting: dict[str, Request] = {}
        self._order = count()

    def ask(self, command: Predict) -> None:
        """Queue what `command` asks for; images opened before the one that is open now become less urgent."""
        is_open = command.priority <= Priority.OPEN
        if is_open:
            for image, request in self._waiting.items():
                if request.priority <= Priority.OPEN:
                    self._waiting[image] = replace(request, priority=Priority.NEXT, fast=False)
        earlier = self._waiting.get(command.image)
        priority = min(command.priority, earlier.priority) if earlier else command.priority
        self._waiting[command.image] = Request(command.image, priority, next(self._order), is_open)

    def take(self) -> Request | None:
        """Remove and return the most urgent request, or None. A fast one is followed by the full one."""
        if not self._waiting:
            return None
        request = min(self._waiting.values(), key=lambda request: (request.priority, request.order))
        if request.fast:
            self._waiting[request.image] = replace(request, fast=False)
        else:
            del self._waiting[request.image]
        return request

    def __bool__(self) -> bool:
        return bool(self._waiting)
