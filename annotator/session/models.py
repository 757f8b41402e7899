"""The models in use: loaded with the project, exchanged, learnt; what a person works on stays as it is."""

from PySide6.QtCore import QObject, Signal

from annotator.i18n import sentence
from annotator.session.parameters import Parameters
from annotator.session.proposals import Proposals
from annotator.session.state import SessionState
from trainer.data.project import Project
from trainer.method.propagations import SEGMENTATION
from trainer.worker.messages import DeviceChanged, ModelChanged, Promoted, TagsLearnt

WEIGHTS = "weights"
"""The project's setting that names the weights it begins with: a file, a published name, "" the bundled."""


class ModelsInUse(QObject):
    """Says which models are in use, sets the parameters that go with them, and has them asked."""

    ready = Signal()  # they are loaded, and the open image is asked for

    def __init__(self, state: SessionState, proposals: Proposals, parameters: Parameters) -> None:
        super().__init__(state)
        self._state, self._proposals, self._parameters = state, proposals, parameters
        state.predictor.ready.connect(self._loaded)
        state.predictor.unavailable.connect(self._unavailable)
        state.predictor.model_changed.connect(lambda _: proposals.follow_models())
        state.trainer_message.connect(self._tell)
        state.predictor.tags_learnt.connect(self._learnt)

    def load(self, project: Project) -> None:
        """Load the models for a project just opened."""
        self._state.set_busy("engine", self.tr("Loading the models…"))
        self._state.predictor.start(project)

    def choose(self, weights: str) -> None:
        """Have the open project begin with these weights from now on."""
        state, project = self._state, self._state.project
        if project is None:
            return

        def written(_: None) -> None:
            if state.project is project:
                self.reload()

        state.writer.submit(lambda: project.set_setting(WEIGHTS, weights), written, state.report)

    def reload(self) -> None:
        """Load the models again after other weights were chosen."""
        if (project := self._state.project) is not None:
            self._state.predictor.stop()
            self._proposals.forget_suggestions()
            self.load(project)

    def _loaded(self, warning: str) -> None:
        state = self._state
        state.set_busy("engine", None)
        self._parameters.restore()
        if state.document is not None:
            self._proposals.follow_models()  # before the others: somebody looks at this one
        state.engine_changed.emit()
        state.weights_warning.emit(warning)
        state.settings_changed.emit()
        if state.document is not None:
            self.ready.emit()

    def _unavailable(self, error: Exception) -> None:
        for reason in ("engine", "propose"):  # models that were exchanged may have been asked before
            self._state.set_busy(reason, None)
        self._state.report(error)

    def _tell(self, message: object) -> None:
        """Tell of a model that a person asked for; one that was promoted is no reason to look up."""
        if isinstance(message, Promoted) and message.network == SEGMENTATION:
            self._parameters.use_segmentation()
        if isinstance(message, Promoted | ModelChanged) and message.alpha is not None:
            self._parameters.calibrate_walk(message.alpha)
        if isinstance(message, DeviceChanged):
            if message.reason:
                self._state.message.emit("warning", sentence(message.reason))
            self._proposals.suggest()  # with what the networks are now
        if isinstance(message, ModelChanged):
            number = message.version
            name = self.tr("Model {number}").format(number=number) if number else self.tr("The first model")
            text = self.tr("{model} is in use now; photos that nobody has touched follow it.")
            self._state.message.emit("info", text.format(model=name))

    def _learnt(self, learnt: TagsLearnt) -> None:
        self._state.weights_warning.emit("")
        text = self.tr("Your classes were learnt from the tags of {n} images; new proposals follow.")
        self._state.message.emit("info", text.format(n=learnt.images))
        if learnt.note:
            self._state.message.emit("warning", sentence(learnt.note))
        self._parameters.calibrate(learnt.alpha, learnt.seed_alpha)
        if learnt.segmentation:
            self._parameters.use_segmentation()
        self._proposals.follow_models()
