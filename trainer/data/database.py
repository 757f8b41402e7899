"""The SQLite file of a project: connections, locks, integrity."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from filelock import FileLock

from trainer.data.atomic import write_atomically
from trainer.data.lock import take_lock
from trainer.data.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, upgrade
from trainer.data.working_copy import WorkingCopy, can_be_written
from trainer.errors import DataError
from trainer.translatable import TranslatableText, translatable

_log = logging.getLogger(__name__)


class Database:
    """One SQLite file in WAL mode with a connection for each thread that uses it.

    What `writing` wrote is on the disk when its block ends. Failures of the file raise `DataError` naming it.
    Who may write has a lock on the file, so that there is only one.
    """

    def __init__(self, file: Path, lock: FileLock | None = None, copy: WorkingCopy | None = None) -> None:
        """Use an existing file, or the `copy` in its place; without its lock nothing can be written."""
        self.file = file
        self._copy = copy
        self._place = copy.file if copy is not None else file  # what is read and written
        self._held = lock
        self._local = threading.local()
        # Weak, so that the connection of a thread ends with it.
        self._connections: WeakSet[_Connection] = WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        self._identity, self._lock_identity = _identity(self._place), _identity(_lock_file(self._place))

    @classmethod
    def create(cls, file: Path, fill: Callable[[sqlite3.Connection], None]) -> Database:
        """Make a file whose empty tables `fill` may write to; an interrupted call leaves no file."""
        lock = _lock(file)
        try:
            cls._make(file, fill)
        except BaseException:
            lock.release()
            raise
        return cls(file, lock)

    @staticmethod
    def _make(file: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
        if file.exists() or backup_of(file).exists():
            raise DataError(f"{file.parent} holds a project already; open it, or remove it to start again")
        with (
            write_atomically(file) as temporary,
            _explained(file),
            closing(_connect(temporary, "rwc")) as made,
        ):
            made.executescript(
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
                f"PRAGMA journal_mode = WAL; {SCHEMA} BEGIN;"
            )
            fill(made)
            made.execute("COMMIT")

    @classmethod
    def open(cls, file: Path, reading: bool = False) -> Database:
        """Open an existing file after a check of its health, and refresh the backup beside it.

        With `reading` nothing can be written, and it does not matter who else has it open. A file on a medium
        that cannot be written is worked on as a `copy`, and stays as it is. Raises `DataError`
        where it is missing, damaged, open elsewhere, of another program, or of a newer version of this one.
        """
        if not file.is_file():
            raise DataError(translatable("{file} does not exist; {advice}", file=file, advice=_advice(file)))
        if not can_be_written(file):
            return cls._open_copy(file)
        database = cls(file, None if reading else _lock(file))
        try:
            database._check()
            if not reading:
                database._back_up()
                database._upgrade()
            elif database._is_old():  # nobody has it open, or it would be up to date
                cls.open(file).close()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def _open_copy(cls, file: Path) -> Database:
        copy = WorkingCopy(file)
        try:
            database = cls(file, _lock(copy.file), copy)
        except BaseException:
            copy.remove()
            raise
        try:
            database._check()
            database._upgrade()
        except BaseException:
            database.close()
            raise
        return database

    @property
    def copy(self) -> WorkingCopy | None:
        """What is worked on where the file cannot be written; it is gone when the file is closed."""
        return self._copy

    @property
    def writable(self) -> bool:
        """Whether this connection may write."""
        return self._held is not None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection."""
        with _explained(self.file):
            yield self._connection()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give this thread's connection in one transaction: at the end all of it is durable, or nothing.

        Raises `DataError` where the file is no longer in its place: it would take what is written with it.
        """
        with self._lock, _explained(self.file):
            if not self._closed and _identity(self._place) != self._identity:
                raise DataError(
                    translatable(
                        "{file} was moved, removed or replaced while it was open; put it back", file=self.file
                    )
                )
            self._keep_lock()
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def copy_to(self, file: Path) -> None:
        """Write a copy of the file, whatever is being written to it meanwhile."""
        with self.reading() as connection, closing(sqlite3.connect(file)) as copy:
            connection.backup(copy)

    def _keep_lock(self) -> None:
        """Take the lock again where its file was removed: it would keep nobody out.

        Raises `DataError` where another has it by now.
        """
        if self._held is None or _identity(_lock_file(self._place)) == self._lock_identity:
            return
        taken = _lock(self._place)
        self._held.release()
        self._held, self._lock_identity = taken, _identity(_lock_file(self._place))

    def close(self) -> None:
        """Close the connections of all threads; none may be in use."""
        with self._lock:
            self._closed = True
            for connection in list(self._connections):
                connection.close()
            if self._held is not None:
                self._held.release()
            if self._copy is not None:
                self._copy.remove()

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise DataError(f"{self.file} has been closed; open it again")
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self._place, "rw")
            connection.execute(f"PRAGMA query_only = {self._held is None:d}")
            self._connections.add(connection)
        return connection

    def _check(self) -> None:
        with self.reading() as connection:
            if _pragma(connection, "application_id") != APPLICATION_ID:
                raise DataError(
                    translatable(
                        "{file} is not a project of this program, or is empty; {advice}",
                        file=self.file,
                        advice=_advice(self.file),
                    )
                )
            version = _pragma(connection, "user_version")
            if version > SCHEMA_VERSION:
                raise DataError(
                    translatable(
                        "{file} was written by a newer version (format {version}, this one reads up to "
                        "{known}); update the program",
                        file=self.file,
                        version=version,
                        known=SCHEMA_VERSION,
                    )
                )
            if (verdict := _pragma(connection, "quick_check(1)")) != "ok":
                raise sqlite3.DatabaseError(verdict.splitlines()[-1])

    def _is_old(self) -> bool:
        with self.reading() as connection:
            return _pragma(connection, "user_version") < SCHEMA_VERSION

    def _upgrade(self) -> None:
        """Bring a file that an older version wrote up to date."""
        if self._is_old():
            with self.writing() as connection:
                upgrade(connection)

    def _back_up(self) -> None:
        """Copy the healthy file; without room for the copy the work goes on."""
        try:
            with write_atomically(backup_of(self.file)) as temporary:
                self.copy_to(temporary)
        except DataError as error:
            _log.warning("no backup of the project was made: %s", error)


def backup_of(file: Path) -> Path:
    """Return where the copy of a project file lies."""
    return file.with_name(f"{file.name}.backup")


def _lock_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.lock")


def _lock(file: Path) -> FileLock:
    try:
        return take_lock(_lock_file(file))
    except BlockingIOError:
        raise DataError(
            translatable("{file} is open in another window; close it there first", file=file)
        ) from None
    except OSError as error:
        raise DataError(_unusable(file, error.strerror)) from error


def _identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from another one of its name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly."""


def _connect(file: Path, mode: str) -> _Connection:
    # Only `Database.close` uses a connection of another thread.
    connection = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=30,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _unusable(file: Path, problem: object) -> TranslatableText:
    return translatable(
        "cannot use {file} ({problem}); check free space and permissions, then retry",
        file=file,
        problem=problem,
    )


def _advice(file: Path) -> TranslatableText:
    log, backup = file.with_name(f"{file.name}-wal"), backup_of(file)
    if not backup.is_file():
        return translatable(
            "restore it from a copy, or remove it to start again; caches are rebuilt automatically"
        )
    if not log.exists():
        return translatable(
            "rename {backup} to {name}: it is as of the last time it was opened",
            backup=backup.name,
            name=file.name,
        )
    # It belongs to the damaged file and would be replayed over the backup.
    return translatable(
        "remove {log} and rename {backup} to {name}: it is as of the last time it was opened",
        log=log.name,
        backup=backup.name,
        name=file.name,
    )


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Turn what may go wrong with a file into a `DataError`; mistakes of the program pass as they are."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.OperationalError as error:
        raise DataError(_unusable(file, error)) from error
    except sqlite3.DatabaseError as error:
        advice = _advice(file)
        raise DataError(
            translatable("{file} is damaged ({problem}); {advice}", file=file, problem=error, advice=advice)
        ) from error
