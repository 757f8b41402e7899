"""The AffinityNets a project has learnt, as numbered files beside it.

Only the head is stored: the backbone is not trained here, and a digest of it tells whether a head fits.
"""

from __future__ import annotations

from trainer.data.project import ModelVersion, Project
from trainer.errors import WeightsError
from trainer.feature_cache import weights_version
from trainer.learn.finetune import copy_head
from trainer.models.affinitynet import AffinityNet
from trainer.models.weights import load_module, save_module


def save_version(project: Project, net: AffinityNet, score: float, note: str) -> ModelVersion:
    """Write `net` as the project's next version, whole or not at all, and make it the current one."""
    number = 1 + max((version.number for version in project.model_versions()), default=0)
    file = project.models_dir / f"affinity-v{number:04d}.safetensors"
    save_module(file, net.head, {"backbone": weights_version(net.backbone)})
    return project.add_model_version(file, score, note)


def load_version(version: ModelVersion, base: AffinityNet) -> AffinityNet:
    """Return the net of `version` on the backbone of `base`.

    Raises WeightsError when its file is missing, damaged, or was learnt on another backbone.
    """
    net = copy_head(base)
    if load_module(version.file, net.head).get("backbone") != weights_version(base.backbone):
        raise WeightsError(
            f"{version.file} was learnt on other weights; open the project with those it began with."
        )
    return net


def newest_sound(project: Project, base: AffinityNet, number: int) -> tuple[int, AffinityNet | None, str]:
    """Return version `number`, or the newest older one that can be loaded: its number, its net, and a note.

    The number is 0 and the net None where there is none left: the model without any fine-tuning. The note
    says what was passed over and why, and is empty as a rule.
    """
    problems: list[str] = []
    for version in reversed(project.model_versions()):
        if version.number > number:
            continue
        try:
            return version.number, load_version(version, base), " ".join(problems)
        except WeightsError as error:
            problems.append(str(error))
    return 0, None, " ".join(problems)
