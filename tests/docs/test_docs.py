"""What exists is documented, and what is documented exists."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from clary.config import Config
from clary.world import SERVICES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SOURCES = [one for folder in ("src", "tests", "bench", "tools") for one in (ROOT / folder).rglob("*.py")]


@pytest.mark.parametrize("field", fields(Config), ids=lambda one: one.name)
def test_every_setting_is_on_the_page(field) -> None:
    page = (DOCS / "settings.md").read_text()
    assert f"`CLARY_{field.name.upper()}`" in page
    assert field.metadata["doc"] in page


@pytest.mark.parametrize("service", SERVICES, ids=lambda one: one.name)
def test_every_service_has_a_page_and_its_operations_are_in_the_coverage_table(service) -> None:
    pages = "".join(one.read_text() for one in DOCS.glob("*.md"))
    coverage = (DOCS / "coverage.md").read_text()
    assert f"`{service.name}`" in pages
    for operation in service.handlers:
        assert f"| {operation} |" in coverage


def test_the_coverage_table_is_as_generated() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools/coverage.py")], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert made == (DOCS / "coverage.md").read_text(), "run `make coverage`"


def test_every_dependency_is_justified() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    page = (DOCS / "dependencies.md").read_text()
    for requirement in wanted:
        name = requirement.split(";")[0].split("[")[0].split(">")[0].split("=")[0].strip()
        assert f"`{name}`" in page, f"{name} is not in docs/dependencies.md"


@pytest.mark.parametrize("source", SOURCES, ids=lambda one: str(one.relative_to(ROOT)))
def test_no_file_has_outgrown_the_house(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= 600, "carve it: aim at 100-300 lines"


def test_links_between_pages_lead_somewhere() -> None:
    import re

    for page in [ROOT / "README.md", *DOCS.glob("*.md"), ROOT / "bench/README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
