"""Stands in for the window in tests of the trainer thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from trainer.data.project import Project
from trainer.engine import Engine
from trainer.translatable import TranslatableText
from trainer.worker.messages import Command, Message, State, StateChanged
from trainer.worker.thread import TrainerWorker

Kind = TypeVar("Kind")


class Desk:
    """Stands in for the window: posts commands, keeps all messages, waits for the one it needs."""

    def __init__(self, project: Project, engine: Engine) -> None:
        self.messages: list[Message] = []
        self.react: Callable[[Message], None] = lambda _: None
        self._arrived = threading.Condition()
        self.worker = TrainerWorker(project, engine, self._hear)

    def _hear(self, message: Message) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()
        self.react(message)

    def post(self, *commands: Command) -> None:
        for command in commands:
            self.worker.post(command)

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.messages if isinstance(message, kind)]

    def wait(self, kind: type[Kind], accept: Callable[[Kind], bool] = lambda _: True, since: int = 0) -> Kind:
        """The first message of a kind that is acceptable, from number `since` on."""

        def found() -> Kind | None:
            candidates = (message for message in self.messages[since:] if isinstance(message, kind))
            return next((message for message in candidates if accept(message)), None)

        with self._arrived:
            heard = [type(message).__name__ for message in self.messages]
            assert self._arrived.wait_for(found, timeout=120), f"no such {kind.__name__} among {heard}"
            message = found()
        assert message is not None
        return message

    def wait_state(self, state: State, since: int = 0) -> StateChanged:
        changed = self.wait(StateChanged, lambda message: message.state is state, since)
        assert isinstance(changed.reason, TranslatableText), "the desk could not translate it"
        return changed
