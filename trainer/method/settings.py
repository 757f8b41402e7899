"""The method's parameters: the one place where their defaults live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from trainer.data.regions import SMALLEST_PART
from trainer.method.crf import CrfParams

Precision = Literal["auto", "float32", "bfloat16"]
"""What networks compute in while they are trained; auto: bfloat16 on GPUs made for it, else float32."""
SEED_LOW, SEED_HIGH = 0.43, 1.43
"""The two exponents of the seed cues, as parts of the one that fits the CAMs."""
COVERAGE = 0.27
"""Share of a photo that its tagged objects cover on average: that of PASCAL VOC 2012."""
SEGMENTATION_FROM = 100
"""Photos of a run from which on a segmentation network makes the masks: few have little to teach."""
SEED_CRF = CrfParams(bilateral_srgb=5)
MASK_CRF = CrfParams(2, 1, bilateral_sxy=20, bilateral_srgb=5, bilateral_weight=5, iterations=5)


@dataclass(frozen=True)
class Settings:
    """Parameters of image + tags → mask, in the notation of the paper (METHOD sections 1, 2 and 4)."""

    max_side: int = 640
    """The networks see no longer side than this, in pixels; the mask always has the image's own size."""
    scales: tuple[float, ...] = (1.0, 0.5, 1.5, 2.0)
    """Scales of the full CAM, each with its mirror image; the fast CAM takes scale 1 alone."""
    cam_side: int = 640
    """Classifier and segmentation network see no longer side than this at scale 1: those that learnt from
    small photos know objects only at their size there."""
    alpha: float = 0.7
    """Exponent of the background score (1 − max CAM)^α that is walked along with the CAMs; > 0."""
    alpha_low: float = 0.7 * SEED_LOW
    """Exponent that inflates background: what is foreground even so is a foreground seed."""
    alpha_high: float = 0.7 * SEED_HIGH
    """Exponent that deflates background: what is background even so is a background seed."""
    threshold: float = 0.0
    """Foreground seeds need at least this CAM value, in [0, 1]."""
    mode: str = "walk"
    """How scores are propagated, a name in `PROPAGATIONS`."""
    segmentation: bool = False
    """Where the models hold a segmentation network, its prediction takes the place of propagated scores."""
    beta: float = 8.0
    """Affinities are raised to this power before the walk."""
    steps: int = 64
    """Length t of the random walk on the stride-8 grid."""
    seed_crf: bool = True
    """Refine the seed cues with the dense CRF in the full pass."""
    mask_crf: bool = True
    """Refine propagated and predicted masks with a dense CRF as well; see `last_crf`."""
    mask_sharpness: float = 3.0
    """Power the walked scores are raised to before that CRF; they are softer than those of the CAM."""
    mask_crf_params: CrfParams = MASK_CRF
    """Shorter reach and fewer iterations than for the seeds: the walk has filled the objects already."""
    smallest_part: float = SMALLEST_PART
    """Parts of a mask smaller than this share of the image, in [0, 1], join what surrounds them."""
    refine: bool = True
    """Let the stroke network, which has seen masks of objects, draw the outlines of the proposed mask."""
    crf: CrfParams = SEED_CRF
    """The dense CRF of the seed cues."""

    @property
    def last_crf(self) -> bool:
        """Whether the dense CRF draws the outlines of the final mask. Before the stroke network it does harm:
        it smooths away small objects, which the network would have found (mIoU on 277 COCO photos: 42.6
        without, 41.8 with it; on 237 MSRC photos 87.0 and 86.9) [ours].
        """
        return self.mask_crf and not self.refine

    def calibrated(self, alpha: float, seed_alpha: float) -> Settings:
        """Return the settings for models and data whose background exponents, > 0, are `alpha` for the walk
        and about `seed_alpha` for the seed cues.
        """
        return replace(self, alpha=alpha, alpha_low=SEED_LOW * seed_alpha, alpha_high=SEED_HIGH * seed_alpha)

    @classmethod
    def fitting(cls, info: Mapping[str, Any]) -> Settings:
        """Return the settings that belong to models, from what they tell of themselves (`Bundle.info`)."""
        own = replace(cls(), segmentation=bool(info.get("segmentation", False))).seeing_as(info)
        return own.calibrated(info["alpha"], info["seed_alpha"]) if "alpha" in info else own

    def seeing_as(self, info: Mapping[str, Any]) -> Settings:
        """Return the settings with the sizes at which the models that `info` is of see a photo."""
        cam_side, scales = info.get("cam_side", self.cam_side), info.get("scales", self.scales)
        return replace(self, cam_side=cam_side, scales=tuple(scales))

    @property
    def of_models(self) -> dict[str, Any]:
        """What belongs to the models, for their `Bundle.info`: `fitting` reads it back."""
        return {
            "alpha": self.alpha,
            "seed_alpha": round(self.alpha_low / SEED_LOW, 6),
            "cam_side": self.cam_side,
            "scales": self.scales,
            "segmentation": self.segmentation,
        }

    def with_seed_alphas(self, low: float, high: float) -> Settings:
        """Return the settings with other exponents of the seed cues; that of the walk moves with them."""
        moved = (low * high / (self.alpha_low * self.alpha_high)) ** 0.5
        return replace(self, alpha=self.alpha * moved, alpha_low=low, alpha_high=high)
