"""Moving a tree of files into a folder that may hold other people's files, without touching those."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from trainer.data.atomic import remove_leftovers_of, sync_file, sync_folder, write_atomically
from trainer.data.digest import file_digest
from trainer.data.ids import path_below
from trainer.errors import DataError

LIST_FILE = ".export.sha256"
"""The files a folder was given, as ``sha256sum --check`` reads them: a line is a digest and a path."""

Listed = set[tuple[str, str]]


def place(tree: Path, out: Path, last: tuple[str, ...], force: bool, check: Callable[[], None]) -> list[str]:
    """Move every file of `tree` to `out`, and remove what an earlier call put there and is no longer in it.

    A file in `out` is ours only if `LIST_FILE` names it with the digest it still has; a file that was edited
    or added is never removed. If such a file is in the way, that is an error; with `force` it is replaced.
    The paths of replaced files are returned. Files are moved in order of path, those below `last` at the end,
    in that order; the very last of them is missing while others are moved.

    `check` is called before each file until the first is moved, and may raise.

    Raises `DataError` where something is in the way; then nothing was moved.
    """
    former, new = _listed(out), _synced(tree, last, check)
    foreign = []
    for path, digest in new.items():
        check()
        if _in_the_way(out, path) and (file_digest(out / path), path) not in {*former, (digest, path)}:
            foreign.append(path)
    if foreign and not force:
        others = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise DataError(
            f"{out / foreign[0]}{others} was made or changed by someone else; move it away, choose another "
            "folder, or force the export to replace it"
        )
    remove_leftovers_of(out / LIST_FILE)
    # Until all is in place the list names the files of both, so that a repeated call knows them as ours.
    _write_list(out, former | {(digest, path) for path, digest in new.items()})
    (out / next(reversed(new))).unlink(missing_ok=True)
    for digest, path in sorted(former):
        if path not in new:
            _remove(out, path, digest)
    for path in new:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).replace(out / path)
    _write_list(out, {(digest, path) for path, digest in new.items()})
    return foreign


def place_whole(tree: Path, out: Path, check: Callable[[], None]) -> None:
    """Move `tree` to `out`, where there is nothing yet, in one step; `check` as for `place`.

    Raises `OSError` where something came there meanwhile.
    """
    new = _synced(tree, (), check)
    _write_list(tree, {(digest, path) for path, digest in new.items()})
    tree.replace(out)
    sync_folder(out.parent)


def was_placed(out: Path) -> bool:
    """Tell whether `place` has put files into a folder."""
    return (out / LIST_FILE).is_file()


def _files(tree: Path) -> Iterator[str]:
    return (path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file())


def _synced(tree: Path, last: tuple[str, ...], check: Callable[[], None]) -> dict[str, str]:
    """Have all files of a tree on the disk; return their digests by path, those below `last` at the end."""
    digests = {}
    for path in sorted(_files(tree), key=lambda path: (_rank(path, last), path)):
        check()
        sync_file(tree / path)
        digests[path] = file_digest(tree / path)
    return digests


def _rank(path: str, last: tuple[str, ...]) -> int:
    return 1 + last.index(path.split("/")[0]) if path.split("/")[0] in last else 0


def _in_the_way(out: Path, path: str) -> bool:
    """Tell whether a file is in the way; a folder in place of a file, or a file in place of a folder, is an
    error.
    """
    target = out / path
    for folder in target.parents:
        if folder == out:
            break
        if folder.is_file():
            raise DataError(f"{folder} is a file where a folder must be; move it away")
    if target.is_dir():
        raise DataError(f"{target} is a folder where a file must be; move it away")
    return target.exists()


def _remove(out: Path, path: str, digest: str) -> None:
    """Remove a file of ours, with the folders it leaves empty."""
    target = out / path
    if not target.is_file() or file_digest(target) != digest:
        return
    target.unlink()
    for folder in target.parents:
        if folder == out or any(folder.iterdir()):
            break
        folder.rmdir()


def _listed(out: Path) -> Listed:
    """Return (digest, path) of what the list names; a path that leaves the folder raises `DataError`."""
    if not was_placed(out):
        return set()
    lines = (out / LIST_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    listed = {(digest, path) for digest, mark, path in (line.partition("  ") for line in lines) if mark}
    for _, path in listed:
        path_below(out, path)
    return listed


def _write_list(out: Path, listed: Listed) -> None:
    lines = sorted(f"{path}\0{digest}  {path}\n" for digest, path in listed)
    with write_atomically(out / LIST_FILE) as temporary:
        temporary.write_text("".join(line.partition("\0")[2] for line in lines), "utf-8", newline="\n")
