"""The rules of the house: fixed top level, who may import whom (pyproject.toml), no machine of ours in it."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    *("main.py", "annotator", "trainer", "resources", "tests", "pyproject.toml"),
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", ".ci", ".github", ".gitignore"),
    "docs",
}
ASKS_FOR_THE_SYSTEM = {
    *("annotator/display.py", "annotator/shell/keyboard.py", "trainer/learn/loader.py", "trainer/memory.py"),
}
"""What differs between systems: the display, places of keys, worker processes, memory."""
TEXT = {".py", ".md", ".toml", ".sh", ".txt", ".json", ".yml", ".html", ".qss", ".ts", ""}


def tracked() -> list[Path]:
    """The project's files: those that git tracks, relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no telling which files are the project's")
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_is_the_agreed_one() -> None:
    assert {path.parts[0] for path in tracked()} <= TOP_LEVEL


def test_modules_import_only_what_the_layers_allow() -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed, so no contract is checked")
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


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


def test_the_window_waits_for_nothing_large() -> None:
    program = """
import sys
import annotator.app
large = {"torch", "torchvision", "scipy", "safetensors"} & set(sys.modules)
sys.exit(f"the window waits for {', '.join(sorted(large))}" if large else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@cache
def program() -> dict[str, ast.Module]:
    """The modules of the program, by path below the root."""
    files = [ROOT / "main.py", *(ROOT / "annotator").rglob("*.py"), *(ROOT / "trainer").rglob("*.py")]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in files}


def test_every_module_loads_where_there_is_no_posix() -> None:
    posix = {"fcntl", "grp", "pwd", "resource", "termios"}
    found = [
        path
        for path, module in program().items()
        for statement in module.body  # one within a try is prepared for it
        if isinstance(statement, ast.Import) and posix & {alias.name for alias in statement.names}
    ]
    assert not found


def test_what_differs_between_systems_has_one_file_a_concern() -> None:
    asking = {
        path
        for path, module in program().items()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.platform", "os.name", "os.uname")
    }
    assert asking == ASKS_FOR_THE_SYSTEM


def test_text_files_are_the_same_whatever_system_writes_them() -> None:
    found = [
        f"{path}:{call.lineno}"
        for path, module in program().items()
        for call in ast.walk(module)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and path.startswith("trainer/")
        if call.func.attr == "write_text" or (call.func.attr == "open" and writes_text(call))
        if "newline" not in {keyword.arg for keyword in call.keywords}
    ]
    assert not found


def writes_text(call: ast.Call) -> bool:
    mode = call.args[0] if call.args else None
    return isinstance(mode, ast.Constant) and mode.value in ("w", "a", "x")


def test_sliders_and_lists_are_those_that_leave_the_wheel_to_what_they_lie_on() -> None:
    for path in (ROOT / "annotator").rglob("*.py"):
        made = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not made & {"QSlider", "QComboBox", "QSpinBox", "QDoubleSpinBox"}, path


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
