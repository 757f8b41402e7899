"""The program as a shell starts it."""

import main as program


def run(*args: object) -> int:
    """Exit status of a command line."""
    return program.main([str(arg) for arg in args])


def one_line(text: str) -> str:
    """`text`, which has to be one line and no traceback."""
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text
