"""The networks of a project: which version of them is in use, and on which device."""

from __future__ import annotations

from dataclasses import replace

from trainer.data.project import Project
from trainer.devices import CPU
from trainer.engine import Engine
from trainer.translatable import TranslatableText, join_texts, translatable
from trainer.worker.model_versions import newest_sound


class NetworksInUse:
    """Puts networks into an engine: those of a version, and all of them where the device changes.

    `untuned` are the models without any version, which are kept in main memory as well, for a GPU may fail.
    `untuned_alpha` is the background exponent that fits them, `alpha` that of the version in use, None where
    it goes with any. Both are told and not set: the one in use may be a person's.
    """

    alpha: float | None

    def __init__(self, project: Project, engine: Engine) -> None:
        self._project, self._engine = project, engine
        self.keep()

    def keep(self) -> None:
        """Take the models that the engine has now for those without any version."""
        self.untuned_alpha = self.alpha = self._engine.settings.alpha
        self.untuned = models = self._engine.models
        self._spare = models if self._engine.device == CPU else models.copied_to(CPU)

    def move(self, device: str) -> TranslatableText:
        """Compute on another device, with what is in main memory and on disk; return as `use_current`."""
        models = replace(self._spare, classes=self._engine.models.classes)
        self._engine.move(device, models if device == CPU else models.copied_to(device))
        self.untuned = self._engine.models
        return self.use_current()

    def use_current(self) -> TranslatableText:
        """Use the project's current version, or the newest sound one before it; return why another, or ""."""
        current = next((version.number for version in self._project.model_versions() if version.current), 0)
        number, loaded, problems = newest_sound(self._project, self._engine, current)
        untuned = self.untuned
        self._engine.replace_models(
            affinity=untuned.affinity, segmentation=untuned.segmentation, version=number
        )
        self.alpha = self.untuned_alpha
        if loaded is not None:
            subject, taught = loaded
            subject.use(taught.net, number)
            self.alpha = taught.alpha
        if number == current:
            return TranslatableText()
        self._project.set_current_version(number)
        used = (
            translatable("Model {number} is used instead.", number=number)
            if number
            else translatable("The model without fine-tuning is used instead.")
        )
        return join_texts(problems, used)
