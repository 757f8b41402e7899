"""The rules of the house: fixed top level, the wall between trainer and Qt, no machine of ours in it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    *("main.py", "annotator", "trainer", "resources", "tests", "pyproject.toml"),
    *("README.md", "Makefile", "CHANGELOG.md", "LICENSE", ".ci", ".gitignore", "docs"),
}
TEXT = {".py", ".md", ".toml", ".sh", ".txt", ".json", ".yml", ".html", ".qss", ".ts", ""}


def tracked() -> list[Path]:
    """The project's files: those that git tracks, relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no telling which files are the project's")
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def imports(path: Path) -> set[str]:
    """The names of the packages that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_the_top_level_is_the_agreed_one() -> None:
    assert {path.parts[0] for path in tracked()} <= TOP_LEVEL


@pytest.mark.parametrize("path", sorted((ROOT / "trainer").rglob("*.py")), ids=lambda path: path.stem)
def test_the_trainer_imports_neither_qt_nor_the_desk(path: Path) -> None:
    assert not imports(path) & {"PySide6", "PyQt6", "qtpy", "qtawesome", "pyqtgraph", "annotator"}


def test_the_trainer_loads_where_qt_is_not_installed() -> None:
    program = """
import sys
class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("PySide6", "shiboken6", "pyqtgraph", "qtawesome"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoQt())
import importlib, pkgutil, main, trainer
for module in pkgutil.walk_packages(trainer.__path__, "trainer."):
    importlib.import_module(module.name)
sys.exit(main.main(["--help"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "path",
    [ROOT / "main.py", *(file for part in ("annotator", "trainer") for file in (ROOT / part).rglob("*.py"))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_every_module_loads_where_there_is_no_posix(path: Path) -> None:
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:  # one within a try is prepared for it
        if isinstance(statement, ast.Import):
            assert not {alias.name for alias in statement.names} & {
                "fcntl",
                "grp",
                "pwd",
                "resource",
                "termios",
            }


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "annotator").rglob("*.py")),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_python_holds_no_item_of_a_layout_and_filters_no_events_of_the_whole_program(path: Path) -> None:
    # Qt deletes layout items without a word to Python. Their stale wrappers are then taken for whatever Qt
    # makes at the same address, and a filter on the whole application is handed everything that Qt makes.
    found = {
        node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)
    }
    assert not found & {"itemAt", "takeAt", "itemAtPosition", "installEventFilter"}


def test_no_path_of_a_machine_stands_in_the_project() -> None:
    machine = re.compile(r"/(?:home|Users|root|work)/\w")
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in tracked()
        if path.suffix in TEXT and path != Path("tests/test_house.py")
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        if machine.search(line)
    ]
    assert not found


def test_every_test_file_mirrors_a_place_of_the_program() -> None:
    for path in (ROOT / "tests").rglob("test_*.py"):
        place = path.parent.relative_to(ROOT / "tests")
        assert place == Path("benchmarks") or (ROOT / place).is_dir(), path
