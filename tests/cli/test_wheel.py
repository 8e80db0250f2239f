"""What is published: the console and the examples that it starts are in the wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from clary.services.signin.page import STATIC

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (STATIC / "index.html").exists(), reason="the console is not built: make console"),
]


def wheel(tmp_path: Path, *, console: bool) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """A wheel made from a copy of the sources, with the console or without, and what tools/wheel.py says of it."""
    copy, out = tmp_path / "copy", tmp_path / "out"
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", *([] if console else ["static"]))
    shutil.copytree(ROOT / "src", copy / "src", ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(copy)]
    subprocess.run(pip, check=True, capture_output=True, timeout=200)
    said = subprocess.run(
        [sys.executable, str(ROOT / "tools/wheel.py"), str(out)], capture_output=True, text=True, check=False
    )
    return out, said


def test_the_wheel_has_the_console_in_it(tmp_path: Path) -> None:
    out, said = wheel(tmp_path, console=True)
    assert said.returncode == 0, said.stdout
    (made,) = out.glob("clary-*.whl")
    names = set(zipfile.ZipFile(made).namelist())
    place = "clary/services/signin/static"
    for file in STATIC.rglob("*"):
        if file.is_file() and file.name != ".built":
            assert f"{place}/{file.relative_to(STATIC)}" in names
    assert {f"{place}/app.html", f"{place}/app-source.html", f"{place}/examples/car-evaluation/bundle.json"} <= names


def test_a_wheel_without_the_console_is_refused(tmp_path: Path) -> None:
    out, said = wheel(tmp_path, console=False)
    assert said.returncode == 1 and "make console" in said.stdout
    assert list(out.glob("*.whl")) == []
