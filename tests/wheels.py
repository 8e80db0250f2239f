"""A package that no index has, as a wheel."""

import zipfile
from pathlib import Path

NAME = "tinything-1.0-py3-none-any.whl"
_ABOUT = "tinything-1.0.dist-info"
_FILES = {
    "tinything.py": "VALUE = 42\n",
    f"{_ABOUT}/METADATA": "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n",
    f"{_ABOUT}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{_ABOUT}/RECORD": "",
}


def write_wheel(folder: Path) -> Path:
    """The wheel of tinything 1.0 stands in `folder`."""
    path = folder / NAME
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in _FILES.items():
            wheel.writestr(name, text)
    return path
