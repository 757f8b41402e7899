"""The method's parameters in this project: stored, changed by the user, calibrated to what was learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from annotator.boxes import rect_of
from annotator.session.document import Labels
from annotator.session.jobs import Latest
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState

if TYPE_CHECKING:
    from trainer.method.settings import Settings


ALPHAS = ("alpha", "alpha_low", "alpha_high")
"""Parameters that fit the models they were found for, and no others."""


class Parameters:
    """Changes the engine's settings; the project keeps those that differ from what fits the models.

    The background exponents are kept for each weights file by itself, under its digest.
    """

    def __init__(self, state: SessionState, proposals: Proposals) -> None:
        self._state, self._proposals = state, proposals
        self._reseeder = Latest(state.jobs)

    def restore(self) -> None:
        """Apply the project's parameters after models were loaded."""
        state = self._state
        assert state.project is not None and state.settings is not None
        chosen = state.project.setting("method", {})
        found = state.project.setting("alphas", {}).get(self._weights, {})
        known = {name: chosen[name] for name in chosen if hasattr(state.settings, name)}
        state.predictor.set_settings(replace(state.settings, **known | _alphas(state.settings) | found))

    def calibrate(self, alpha: float, seed_alpha: float) -> None:
        """Take the alphas that fit the models as they learnt; resetting goes back to them from now on."""
        state = self._state
        if state.settings is not None and state.predictor.fitting is not None:
            state.predictor.fitting = state.predictor.fitting.calibrated(alpha, seed_alpha)
            settings = state.settings.calibrated(alpha, seed_alpha)
            self._use(settings, _alphas(settings))

    def calibrate_walk(self, alpha: float) -> None:
        """Take the alpha of the walk that fits the AffinityNet in use; resetting goes back to it, too."""
        state = self._state
        if state.settings is not None and state.predictor.fitting is not None:
            state.predictor.fitting = replace(state.predictor.fitting, alpha=alpha)
            self._use(replace(state.settings, alpha=alpha), {"alpha": alpha})

    def use_segmentation(self) -> None:
        """Let the segmentation network that was learnt make the masks; resetting goes back to that, too."""
        state = self._state
        if state.settings is not None and state.predictor.fitting is not None:
            state.predictor.fitting = replace(state.predictor.fitting, segmentation=True)
            self._use(replace(state.settings, segmentation=True), {"segmentation": True})

    def change(self, **changes: Any) -> None:
        """Change parameters of the method for this project; the open image is proposed again."""
        state = self._state
        if state.project is None or state.settings is None:
            return
        settings = replace(state.settings, **changes)
        if settings == state.settings:
            return
        self._use(settings, changes)
        self._proposals.ask_unless_accepted()

    def move_seeds(self, alpha_low: float, alpha_high: float, threshold: float, final: bool = True) -> None:
        """Move the seed cues of the open image; `final` also makes the parameters the project's own."""
        state, document = self._state, self._state.document
        if document is not None and (proposal := document.proposal) is not None:

            def reseeded(seeds: Labels) -> None:
                if state.document is document and document.proposal is proposal:
                    document.auto_seeds = seeds
                    document.compose(document.whole)
                    state.layer_changed.emit("seeds", rect_of(document.whole))

            self._reseeder.submit(
                lambda: proposal.reseed(alpha_low, alpha_high, threshold), reseeded, state.report
            )
        if final and state.settings is not None:
            settings = state.settings.with_seed_alphas(alpha_low, alpha_high)
            self.change(**_alphas(settings), threshold=threshold)

    def reset(self) -> None:
        """Go back to the parameters that fit the models in use."""
        default = self._state.predictor.fitting
        if default is not None:
            self.change(
                **_alphas(default),
                threshold=default.threshold,
                mode=default.mode,
                segmentation=default.segmentation,
                smallest_part=default.smallest_part,
            )
            self.move_seeds(default.alpha_low, default.alpha_high, default.threshold, final=False)

    def _use(self, settings: Settings, changes: Mapping[str, Any]) -> None:
        """Apply parameters; the project soon stores those that were changed."""
        state, project, weights = self._state, self._state.project, self._weights
        assert project is not None
        state.predictor.set_settings(settings)
        found = {name: value for name, value in changes.items() if name in ALPHAS}
        chosen = {name: value for name, value in changes.items() if name not in ALPHAS}

        def store() -> None:
            if chosen:
                project.set_setting("method", project.setting("method", {}) | chosen)
            if found:
                every = project.setting("alphas", {})
                every[weights] = every.get(weights, {}) | found
                project.set_setting("alphas", every)

        state.writer.submit(store, failed=state.report)
        state.settings_changed.emit()

    @property
    def _weights(self) -> str:
        """Digest of the file that the models in use come from."""
        engine = self._state.engine
        assert engine is not None
        return engine.models.digest


def _alphas(settings: Settings) -> dict[str, float]:
    return {name: getattr(settings, name) for name in ALPHAS}
