"""The tables of a project file, and how a file of an older version gets them.

`*_rows` modules read and write the rows.
"""

from __future__ import annotations

import json
import sqlite3

APPLICATION_ID = 0xAFF1
SCHEMA_VERSION = 9

_PROPOSALS = """
CREATE TABLE IF NOT EXISTS proposals (
    image TEXT PRIMARY KEY REFERENCES images (id),
    origin TEXT NOT NULL                 -- digest of what the proposal that is kept was made of
);
"""
_IMPORTED = """
CREATE TABLE IF NOT EXISTS imported (
    image TEXT PRIMARY KEY REFERENCES images (id),
    height INTEGER NOT NULL, width INTEGER NOT NULL,
    mask BLOB NOT NULL,
    created TEXT NOT NULL,
    used INTEGER NOT NULL,               -- 0 where a person took the mask of a model instead
    objects BLOB                         -- marks of what is one object, NULL where areas are
);
"""
_CLASS_CHANGES = """
CREATE TABLE IF NOT EXISTS class_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    names TEXT NOT NULL,                 -- JSON list of the classes it is about
    before TEXT NOT NULL, after TEXT NOT NULL,  -- the rows of the classes, as JSON
    edit INTEGER NOT NULL,               -- the last one of any image when it was made, 0 for none
    created TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
);
"""
_CLASS_COLUMNS = {
    "successor": "INTEGER",  # of a class that is gone: what it was merged into, 0 if deleted
    "colour": "TEXT",  # #rrggbb
    "place": "INTEGER",
    "stuff": "INTEGER NOT NULL DEFAULT 0",
    "former": "TEXT NOT NULL DEFAULT '[]'",  # JSON list of the names it had before
}
_PHOTOS = """
CREATE TABLE IF NOT EXISTS photos (
    image TEXT PRIMARY KEY REFERENCES images (id),
    size INTEGER NOT NULL, modified INTEGER NOT NULL,  -- bytes; nanoseconds
    digest TEXT NOT NULL                 -- SHA-256 of the content
);
"""
_REVIEWS = """
CREATE TABLE IF NOT EXISTS reviews (
    image TEXT PRIMARY KEY REFERENCES images (id),
    verdict TEXT NOT NULL,               -- flagged or rejected
    comment TEXT NOT NULL,
    noted TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    created TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0,
    edit INTEGER NOT NULL DEFAULT 0      -- the last one of any image when it was made, 0 for none
);
CREATE TABLE IF NOT EXISTS batch_images (
    batch INTEGER NOT NULL REFERENCES batches (id),
    image TEXT NOT NULL REFERENCES images (id),
    before TEXT NOT NULL, after TEXT NOT NULL,  -- states, as JSON
    PRIMARY KEY (batch, image)
);
CREATE TABLE IF NOT EXISTS batch_masks (   -- masks whose acceptance was undone, to be accepted again
    batch INTEGER NOT NULL REFERENCES batches (id),
    image TEXT NOT NULL REFERENCES images (id),
    height INTEGER NOT NULL, width INTEGER NOT NULL,
    mask BLOB NOT NULL,
    edit INTEGER NOT NULL,
    PRIMARY KEY (batch, image)
);
"""
_ACCEPTED_IN_TIME = """
-- What is asked of all accepted images must not read their masks.
CREATE INDEX IF NOT EXISTS accepted_in_time ON accepted (created, image, edit);
"""
SCHEMA = f"""
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    {", ".join(f"{name} {kind}" for name, kind in _CLASS_COLUMNS.items())}
);
CREATE TABLE images (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL UNIQUE,           -- below the root of the data set
    tags TEXT,                           -- JSON list of class ids, NULL where nobody tagged the image
    status TEXT NOT NULL,
    margin REAL,
    split TEXT,
    seed_revision INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE edits (
    id INTEGER PRIMARY KEY,
    image TEXT NOT NULL REFERENCES images (id),
    target TEXT NOT NULL,
    y0 INTEGER NOT NULL, x0 INTEGER NOT NULL, y1 INTEGER NOT NULL, x1 INTEGER NOT NULL,
    before BLOB NOT NULL, after BLOB NOT NULL,
    tool TEXT NOT NULL,
    created TEXT NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX edits_of_image ON edits (image, undone, id);
CREATE TABLE accepted (
    image TEXT PRIMARY KEY REFERENCES images (id),
    height INTEGER NOT NULL, width INTEGER NOT NULL,
    mask BLOB NOT NULL,
    created TEXT NOT NULL,
    edit INTEGER NOT NULL,               -- the last one applied when it was accepted, 0 for none
    rejected INTEGER NOT NULL DEFAULT 0  -- 1 where a reviewer rejected it
);
CREATE TABLE models (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    file TEXT NOT NULL,                  -- name below the folder of models
    score REAL,
    note TEXT NOT NULL,
    created TEXT NOT NULL,
    current INTEGER NOT NULL
);
{_PROPOSALS}
{_IMPORTED}
{_CLASS_CHANGES}
{_PHOTOS}
{_REVIEWS}
{_ACCEPTED_IN_TIME}
"""


def upgrade(connection: sqlite3.Connection) -> None:
    """Give a file that an older version wrote what this one expects, within the present transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < 2:
        # There, an accepted mask was forgotten with the next stroke: it belongs to the present ones.
        connection.execute("ALTER TABLE accepted ADD COLUMN edit INTEGER NOT NULL DEFAULT 0")
        connection.execute(
            "UPDATE accepted SET edit = (SELECT coalesce(max(id), 0) FROM edits "
            "WHERE edits.image = accepted.image AND undone = 0)"
        )
    connection.execute(_PROPOSALS)
    if 4 <= version < 7:
        connection.execute("ALTER TABLE imported ADD COLUMN objects BLOB")
    connection.execute(_IMPORTED)
    if version < 5:
        _number_tags(connection)
    connection.execute(_CLASS_CHANGES)
    connection.execute(_PHOTOS)
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(accepted)")]
    if "rejected" not in columns:
        connection.execute("ALTER TABLE accepted ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0")
    for statement in filter(str.strip, _REVIEWS.split(";")):
        connection.execute(statement)
    if "edit" not in [name for _, name, *_ in connection.execute("PRAGMA table_info(batches)")]:
        connection.execute("ALTER TABLE batches ADD COLUMN edit INTEGER NOT NULL DEFAULT 0")
        # Masks whose acceptance was undone were not kept.
        connection.execute(
            "DELETE FROM batch_images WHERE batch IN (SELECT id FROM batches WHERE undone = 1)"
        )
        connection.execute("DELETE FROM batches WHERE undone = 1")
    connection.execute(_ACCEPTED_IN_TIME)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _number_tags(connection: sqlite3.Connection) -> None:
    """Give classes what they have since format 5, and store tags as their ids instead of names."""
    for name, kind in _CLASS_COLUMNS.items():
        connection.execute(f"ALTER TABLE classes ADD COLUMN {name} {kind}")
    ids = dict(connection.execute("SELECT name, id FROM classes"))
    tagged = connection.execute("SELECT position, tags FROM images WHERE tags IS NOT NULL").fetchall()
    connection.executemany(
        "UPDATE images SET tags = ? WHERE position = ?",
        [
            (json.dumps([ids[name] for name in json.loads(tags) if name in ids]), position)
            for position, tags in tagged
        ],
    )
