"""Where the sample photos live on this machine."""

from pathlib import Path

from platformdirs import user_data_path

from trainer.data.sample import build_sample


def sample_folder() -> Path:
    """The folder of the sample photos, made at first."""
    folder = user_data_path("affinity-annotator") / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    return build_sample(folder)
