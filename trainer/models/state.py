"""Tensors in files: reads every format in which weights are published, without running code from a file."""

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from trainer.data.atomic import write_atomically
from trainer.data.files import check_plain
from trainer.errors import DataError, WeightsError

_WRAPPINGS = ("state_dict", "model_state_dict", "model")
_TEXT_STARTS = (b"<!", b"<h", b"<H", b"<?", b"vers", b"{")


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file by name, on the CPU, and its text metadata (safetensors only, else empty).

    Wrappings (``{"state_dict": …}``) and the prefix of parallel training (``module.``) are removed.

    Raises:
        WeightsError: the file is absent, damaged, of another format, or holds code.
    """
    try:
        check_plain(path)
        with path.open("rb") as file:
            start = file.read(512)
    except (DataError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WeightsError(f"cannot read the weights file {path} ({reason}); check its name") from error
    if len(start) < 16:
        raise WeightsError(f"the weights file {path} is empty or cut off; fetch it again")
    if _is_safetensors(start):
        return _checked(*_read_safetensors(path), path)
    if start.lstrip().startswith(_TEXT_STARTS):
        raise WeightsError(
            f"{path} is a text or web page, not weights; the download went wrong, fetch it again"
        )
    return _checked(_unwrap(_read_torch(path), path), {}, path)


def _checked(
    tensors: dict[str, Tensor], metadata: dict[str, str], path: Path
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return tensors that hold numbers, and as many as they say."""
    for name, tensor in tensors.items():
        stored = tensor.layout is torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
        if not stored or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise WeightsError(f"{path} is no file of plain weights ({name} is none); give another one")
        if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
            raise WeightsError(
                f"{path} holds values that are no numbers (in {name}): the training that wrote it went "
                "wrong; give an earlier file"
            )
    return tensors, metadata


def _is_safetensors(start: bytes) -> bool:
    """Eight bytes with the length of the header, then the header: a JSON object."""
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        raise WeightsError(f"the weights file {path} is damaged or cut off; fetch it again") from error


def _read_torch(path: Path) -> object:
    try:
        if zipfile.is_zipfile(path):
            _check_archive(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it thinks of a damaged file the error says enough
            return torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except pickle.UnpicklingError as error:
        if zipfile.is_zipfile(path) or "GLOBAL" in str(error) or "Unsupported" in str(error):
            raise WeightsError(
                f"{path} holds more than tensors, which could run code, and was refused; "
                "save its state_dict() alone and give that file"
            ) from error
        raise WeightsError(f"{path} is not a weights file; give a .pth or .safetensors file") from error
    # torch's reader raises nearly anything on damaged bytes (RuntimeError, EOFError, struct.error, …).
    except Exception as error:
        raise WeightsError(f"the weights file {path} is damaged or cut off; fetch it again") from error


def _check_archive(path: Path) -> None:
    """Raise WeightsError where an archive says that it unpacks to more than it holds; torch packs nothing."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > path.stat().st_size:
        raise WeightsError(f"{path} is a packed archive, not a weights file; give the .pth file in it")


def _unwrap(content: object, path: Path) -> dict[str, Tensor]:
    while isinstance(content, Mapping):
        wrapped = next((content[key] for key in _WRAPPINGS if isinstance(content.get(key), Mapping)), None)
        if wrapped is None:
            break
        content = wrapped
    tensors = (
        {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        raise WeightsError(f"{path} holds no named tensors; give a file with a network's state_dict")
    return {key.removeprefix("module."): value for key, value in tensors.items()}


def save_module(
    path: Path, module: nn.Module, metadata: Mapping[str, str] | None = None, half: bool = False
) -> None:
    """Write a module's tensors as safetensors, in one piece or not at all.

    Args:
        metadata: text kept beside the tensors.
        half: weights (not the norms' statistics, which may leave its range) in half precision.

    Raises:
        DataError: the file cannot be written.
    """
    save_tensors(path, module.state_dict(), metadata or {}, half)


def load_module(path: Path, module: nn.Module) -> dict[str, str]:
    """Fill ``module`` with the tensors of a file of :func:`save_module` and return the file's metadata.

    Raises:
        WeightsError: the file is absent, damaged, or of another architecture; the module is then unchanged.
    """
    tensors, metadata = read_tensors(path)
    for name, value in module.state_dict().items():
        if name not in tensors or tensors[name].shape != value.shape:
            found = f"has shape {tuple(tensors[name].shape)}" if name in tensors else "is missing"
            raise WeightsError(
                f"{path} is for another network ({name} {found}); give the file made for this one"
            )
    module.load_state_dict(tensors, strict=False)
    return metadata


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], half: bool) -> None:
    """As :func:`save_module`, for tensors by name."""
    stored = {
        name: (value.half() if half and value.dim() > 1 else value).detach().cpu().contiguous()
        for name, value in tensors.items()
    }
    with write_atomically(path) as temporary:
        # Not save_file: it leaves a file that only its owner may read.
        temporary.write_bytes(save(stored, dict(metadata)))
