"""`pip install .`: a wheel that holds all it needs, and a program that starts in whatever folder one is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PARTS = ("annotator", "trainer", "resources", "main.py", "pyproject.toml", "README.md", "LICENSE")
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the project and, in place of a network, the libraries of this one."""
    pytest.importorskip("setuptools", reason="nothing can be built without setuptools")
    folder = tmp_path_factory.mktemp("fresh start")
    source = folder / "source"  # pip builds in the tree that it is given
    source.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / part, source / part)
    environment = folder / "environment"
    venv.create(environment, symlinks=sys.platform != "win32")
    python = environment / SCRIPTS / Path(sys.executable).name
    site = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    Path(site.strip(), "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    install = ("install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", str(source))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), *install], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(source)
    return environment


def test_the_workflows_run_what_readme_says() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    said = [line.partition("#")[0].strip() for line in readme.splitlines() if line.startswith("    ")]
    ran = "".join(file.read_text("utf-8") for file in (ROOT / ".github" / "workflows").glob("*.yml"))
    first = ("make run", "pip install .", "affinity-annotator ")
    found = [line for line in said if line.startswith(first)]
    assert len(found) == 4 and all(f"{line}\n" in ran for line in found)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with files that must not be taken for those of the program."""
    for name in ("main.py", "resources.py", "trainer.py"):
        (tmp_path / name).write_text("raise SystemExit('this is not the program')\n")
    return tmp_path


def run(fresh: Path, folder: Path, *command: str) -> str:
    """What a program of the fresh environment prints."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    env.setdefault("QT_QPA_PLATFORM", "offscreen")
    program, *args = command
    done = subprocess.run(
        [str(fresh / SCRIPTS / program), *args], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_program_starts_from_any_folder_and_makes_masks(fresh: Path, elsewhere: Path) -> None:
    assert "pipeline" in run(fresh, elsewhere, "affinity-annotator", "--help")
    run(fresh, elsewhere, "affinity-annotator", "sample", "photos")
    (elsewhere / "photo").mkdir()
    with Image.open(elsewhere / "photos" / "chelsea.png") as cat:  # one small photo shows it as well
        cat.resize((150, 100)).save(elsewhere / "photo" / "chelsea.png")
    (elsewhere / "photo" / "tags.csv").write_text("image,tags\nchelsea.png,cat\n")
    run(fresh, elsewhere, "affinity-annotator", "pipeline", "photo", "--out", "masks", "--no-training")
    assert (elsewhere / "masks" / "SegmentationClass" / "chelsea.png").is_file()


def test_every_resource_is_installed_with_it(fresh: Path, elsewhere: Path) -> None:
    program = "import resources; print(resources.path())"
    installed = Path(run(fresh, elsewhere, Path(sys.executable).name, "-I", "-c", program).strip())
    assert fresh in installed.parents
    known = {path.relative_to(ROOT / "resources") for path in (ROOT / "resources").rglob("*")}
    assert {path for path in known if "__pycache__" not in path.parts} <= {
        path.relative_to(installed) for path in installed.rglob("*")
    }


def test_the_window_opens_with_its_icons_themes_and_translations(fresh: Path, elsewhere: Path) -> None:
    program = """
import sys
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, sys.argv[1])
app = QApplication([])
from annotator import app as desk, i18n
from annotator.settings import DeskSettings
i18n.install(app, "zh_CN")
window = desk.make_window(DeskSettings())
window.show()
icon = window.actions_table["accept"].icon()
print(ascii(window.docks["tags"].windowTitle()), not icon.isNull(), "QTabBar" in app.styleSheet())
window.close()
"""
    python = Path(sys.executable).name
    told = run(fresh, elsewhere, python, "-I", "-c", program, str(elsewhere / "settings"))
    assert told.split() == [ascii("标签"), "True", "True"]
