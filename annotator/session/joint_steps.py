"""Edits of several layers that are one step of undo: the names of their tools say where each stands."""

import re

_PART = re.compile(r".+ (\d+)/(\d+)")


def part_name(tool: str, number: int, count: int) -> str:
    """Name the tool of edit `number`, from 1, of the `count` that make one step."""
    return f"{tool} {number}/{count}" if count > 1 else tool


def parts_left(tool: str, forward: bool) -> int:
    """How many edits of its step are still to be done after one, or undone if not `forward`."""
    found = _PART.fullmatch(tool)
    if found is None:
        return 0
    number, count = map(int, found.groups())
    return count - number if forward else number - 1
