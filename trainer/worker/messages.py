"""Commands from the desk to the trainer thread, and messages back.

Plain frozen data, independent of Qt, threads and the project, so that both sides can be tested alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.engine import Proposal
    from trainer.method.settings import Settings
    from trainer.translatable import TranslatableText


class State(StrEnum):
    """What training is doing. Predictions are answered in every state."""

    IDLE = "idle"
    """Stopped by the user: trains again at the next `Start`."""
    WAITING = "waiting"
    """Would train, but too few images are corrected; starts by itself as soon as there are enough."""
    TRAINING = "training"
    CONVERGED = "converged"
    """Several rounds brought nothing better; goes on by itself at the next correction."""
    PAUSED = "paused"
    """Held between two batches by the user: goes on where it was at the next `Start`."""
    FAILED = "failed"
    """A round broke off; the reason says why. `Start` tries again."""


class Priority(IntEnum):
    """Order in which predictions are served: lowest first, then in the order asked."""

    OPEN = 0
    """The image on the canvas: a fast proposal at once, the full one behind it."""
    NEXT = 1
    """Prefetched neighbours of the open image."""
    REFRESH = 2
    """Untouched images whose proposal is of an older model version."""


# -- Commands ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeedsChanged:
    """The corrections of `image` are on disk at `revision`: patience starts again."""

    image: str
    revision: int


@dataclass(frozen=True)
class Start:
    """Train as soon as there are enough corrections; also resumes a pause and retries after a failure."""


@dataclass(frozen=True)
class Pause:
    """Pause training after the current batch, keeping the challenger."""


@dataclass(frozen=True)
class Stop:
    """End training after the current batch and discard the challenger; promoted versions are kept."""


@dataclass(frozen=True)
class Predict:
    """Propose a mask for `image`; asking again replaces the earlier request."""

    image: str
    priority: int = Priority.OPEN


@dataclass(frozen=True)
class SetModel:
    """Use model `version` from now on ("go back to"); 0 is the model without any fine-tuning."""

    version: int


@dataclass(frozen=True)
class SetDevice:
    """Compute on `device` ("cpu", "cuda", "mps") from now on; `reason` says why, "" where a person wants it.

    A run under way begins again: what it has learnt since the last version stays behind.
    """

    device: str
    reason: str = ""


@dataclass(frozen=True)
class LearnTags:
    """Learn the project's classes from the tags of its images, then go on with the corrections.

    Replaces a run in progress. `Pause`, `Start` and `Stop` pause, resume and discard it.
    """


@dataclass(frozen=True)
class StartSweep:
    """Propose for every tagged image that nobody has touched and that has no up-to-date proposal.

    One image at a time, when no other prediction is asked for and no training runs.
    """


@dataclass(frozen=True)
class StopSweep:
    """Stop proposing for all images after the present one; what is proposed stays."""


@dataclass(frozen=True)
class Shutdown:
    """End the thread after the current batch."""


Command = (
    SeedsChanged
    | Start
    | Pause
    | Stop
    | Predict
    | SetModel
    | SetDevice
    | LearnTags
    | StartSweep
    | StopSweep
    | Shutdown
)


# -- Messages ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StateChanged:
    """The state of training and the reason, in plain words."""

    state: State
    reason: TranslatableText


@dataclass(frozen=True)
class TrainingProgress:
    """How far round `round` (from 1) is: `fraction` in [0, 1] and a few words.

    Learning from tags has no rounds: `round` is 0, and `seconds_left` says how long it will still take, None
    while that cannot be told.
    """

    round: int
    fraction: float
    text: TranslatableText
    seconds_left: float | None = None


@dataclass(frozen=True)
class LossPoint:
    """Mean training loss up to batch `step` since the previous point; steps count over the whole run."""

    step: int
    loss: float


@dataclass(frozen=True)
class ValidationPoint:
    """Mean scores in [0, 1] of both models on the corrected images, none of which they have learnt from."""

    round: int
    incumbent: float
    challenger: float


@dataclass(frozen=True)
class Promoted:
    """The challenger was better by evidence and is on disk as model `version`, in use from now on.

    `network` names what it is: the segmentation network, which makes the masks from now on, or AffinityNet.
    `alpha` is the background exponent of the walk that fits it and is used from now on; None: any does.
    """

    version: int
    score: float
    network: str
    alpha: float | None = None


@dataclass(frozen=True)
class TagsLearnt:
    """Networks learnt from the tags of `images` images are on disk and in use from now on, as version 0;
    where `segmentation`, there is one among them that makes the masks.

    `note` names the photos that could not be read, as a rule none; `alpha` and `seed_alpha` are the
    background exponents that fit networks and photos (see `Settings.calibrated`). Proposals made before are
    out of date.
    """

    images: int
    note: str
    alpha: float
    seed_alpha: float
    segmentation: bool = False


@dataclass(frozen=True)
class ModelChanged:
    """Model `version` is in use: after `SetModel`, or in place of one that is damaged or was taken back, as
    `note` then says; `alpha` as in `Promoted`.
    """

    version: int
    note: TranslatableText
    alpha: float | None = None


@dataclass(frozen=True)
class DeviceChanged:
    """Everything is computed on `device` from now on; `reason` is one sentence where another one failed, else
    "".
    """

    device: str
    reason: str


@dataclass(frozen=True)
class Predicted:
    """A proposal for `image`, and all that it was made of.

    The receiver drops it when tags, settings or model are no longer those in use: another one was asked for.
    Strokes steer a proposal and do not change it; `seed_revision` tells which of them the mask follows that
    was kept with it. `proposal.fast` tells a first, single-scale answer from the full one.
    """

    image: str
    tags: tuple[str, ...]
    settings: Settings
    model_version: int
    seed_revision: int
    proposal: Proposal


@dataclass(frozen=True)
class PredictFailed:
    """No proposal for `image`; `reason` is one sentence fit to be shown."""

    image: str
    reason: str


@dataclass(frozen=True)
class ProposeAllProgress:
    """Proposing for all images has come to image `number` (from 1) of `total`."""

    number: int
    total: int


@dataclass(frozen=True)
class ProposalStored:
    """A proposal for `image` was made in the background and stored; it is not sent, as nobody looks at it."""

    image: str


@dataclass(frozen=True)
class ProposeAllEnded:
    """Proposals were made for `images` images; it was `stopped`, or nothing more is to be done.

    `problems` are the sentences on the images that failed, each naming its file.
    """

    images: int
    stopped: bool
    problems: tuple[str, ...]


Message = (
    StateChanged
    | TrainingProgress
    | LossPoint
    | ValidationPoint
    | Promoted
    | TagsLearnt
    | ModelChanged
    | DeviceChanged
    | Predicted
    | PredictFailed
    | ProposeAllProgress
    | ProposalStored
    | ProposeAllEnded
)
