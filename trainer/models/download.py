"""Fetching published weights: resumable, checked, kept in the user's cache."""

from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from platformdirs import user_cache_dir

from trainer.data.digest import file_digest
from trainer.data.lock import take_lock
from trainer.errors import WeightsError
from trainer.models.registry import WeightsEntry

DownloadProgress = Callable[[int, int | None], None]
"""Called after each block with the bytes received so far and, where the server states it, their total."""

_PIECE = 1 << 18
_TIMEOUT_SECONDS = 30


def weights_folder() -> Path:
    """Where downloaded weights are kept."""
    return Path(user_cache_dir("affinity-annotator")) / "weights"


def download(
    entry: WeightsEntry, folder: Path | None = None, progress: DownloadProgress | None = None
) -> Path:
    """The file of an entry, fetched unless it is there already.

    An interrupted download continues where it stopped; of two programs that ask for the same file one fetches
    it while the other waits. Only a file with the right checksum gets its final name.

    Args:
        folder: where to keep it, :func:`weights_folder` by default.

    Raises:
        WeightsError: no connection, the server refuses, the disk is full, or the checksum differs.
    """
    folder = folder or weights_folder()
    path = folder / entry.file_name
    if _is_whole(path, entry):
        return path
    try:
        lock = take_lock(folder / f"{entry.file_name}.lock", seconds=-1)
    except OSError as error:
        raise _unreachable_or_unwritable(entry, folder, error) from error
    try:
        return path if _is_whole(path, entry) else _download(entry, path, progress)
    finally:
        lock.release()


def _download(entry: WeightsEntry, path: Path, progress: DownloadProgress | None) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    try:
        _fetch(entry.url, partial, progress)
    except HTTPError as error:
        raise WeightsError(
            f"{urlsplit(entry.url).netloc} refuses to give {entry.url} ({error.code} {error.reason}); "
            "fetch it elsewhere and give the file"
        ) from error
    except (ConnectionError, TimeoutError, HTTPException) as error:
        raise WeightsError(
            f"the download of {entry.file_name} was cut off; run it again to go on from there"
        ) from error
    except OSError as error:
        raise _unreachable_or_unwritable(entry, partial, error) from error
    if not _is_whole(partial, entry):
        partial.unlink()
        raise WeightsError(
            f"{entry.url} gave another file than the published one (checksum differs), now discarded; "
            "check the connection for a proxy or log-in page and try again"
        )
    return partial.replace(path)


def _fetch(url: str, partial: Path, progress: DownloadProgress | None) -> None:
    """Append what is missing to ``partial``."""
    have = partial.stat().st_size if partial.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response: HTTPResponse = urlopen(request, timeout=_TIMEOUT_SECONDS)
    except HTTPError as error:
        if have and error.code == 416:  # Nothing lies beyond what is here: the checksum decides.
            return
        raise
    with response:
        if response.status != 206:  # The server starts again from the first byte.
            have = 0
        rest = response.headers.get("Content-Length")
        total = have + int(rest) if rest else None
        with partial.open("ab" if have else "wb") as file:
            while piece := response.read(_PIECE):
                file.write(piece)
                have += len(piece)
                if progress:
                    progress(have, total)
    if total is not None and have < total:
        raise ConnectionError(f"{have} of {total} bytes")


def _unreachable_or_unwritable(entry: WeightsEntry, partial: Path, error: OSError) -> WeightsError:
    if error.filename is not None or error.errno is not None:
        return WeightsError(
            f"cannot write {partial} ({error.strerror}); free some space or choose another folder"
        )
    return WeightsError(
        f"cannot reach {urlsplit(entry.url).netloc}: this machine seems to be offline; "
        f"connect it, or fetch {entry.url} elsewhere and give the file"
    )


def _is_whole(path: Path, entry: WeightsEntry) -> bool:
    return path.is_file() and file_digest(path) == entry.sha256
