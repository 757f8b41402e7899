"""Project files as older versions of the program wrote them."""

import sqlite3
from contextlib import closing


def sql(file, statement):
    """Run one statement on a project file; return the rows."""
    with closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(statement).fetchall()


def make_old(file, version):
    """Turn a file into one of an older format; all that is tagged in it is tagged with one class."""
    tables = {"photos": 6, "class_changes": 5, "imported": 4, "proposals": 3}
    sql(file, "DROP INDEX accepted_in_time")
    for table in (table for table, since in tables.items() if since > version):
        sql(file, f"DROP TABLE {table}")
    if version >= 4:
        sql(file, "ALTER TABLE imported DROP COLUMN objects")
    for column in ("successor", "colour", "place", "stuff", "former"):
        sql(file, f"ALTER TABLE classes DROP COLUMN {column}")
    sql(
        file,
        "UPDATE images SET tags = json_array((SELECT name FROM classes WHERE id = tags ->> 0)) "
        "WHERE json_array_length(tags) > 0",
    )
    if version < 2:
        sql(file, "ALTER TABLE accepted DROP COLUMN edit")
    sql(file, f"PRAGMA user_version = {version}")
