"""What the console uploads to start an example is what the example's own code would upload."""

import gzip
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "console/public/examples"
MOST_BYTES = 300_000
"""They stand in the repository and travel with the console."""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tools_examples", ROOT / "tools/examples.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def content(path: str, body: bytes) -> bytes:
    """What is packed may be packed otherwise by another zlib."""
    return gzip.decompress(body) if path.endswith(".gz") else body


def test_the_bundles_are_what_the_tool_makes(tool: ModuleType) -> None:
    made = tool.everything()
    there = {str(one.relative_to(PLACE)): one.read_bytes() for one in PLACE.rglob("*") if one.is_file()}
    again = "make them again with: python tools/examples.py"
    assert sorted(made) == sorted(there), again
    for path, body in made.items():
        assert content(path, body) == content(path, there[path]), f"{path}: {again}"
    assert sum(map(len, there.values())) < MOST_BYTES


def test_a_bundle_has_no_name_of_its_own(tool: ModuleType) -> None:
    """Bucket, role and name are words that the console writes over, in keys, too."""
    for example in tool.EXAMPLES:
        bundle = tool.made(example)[f"{example.name}/bundle.json"].decode()
        for word in (tool.NAME, tool.BUCKET, tool.ROLE):
            assert word in bundle
        assert "arn:aws:iam" not in bundle
