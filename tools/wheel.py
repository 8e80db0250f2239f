"""Refuses a wheel that has no console in it: python tools/wheel.py DIRECTORY"""

import sys
import zipfile
from pathlib import Path

WANTED = "clary/services/signin/static/index.html"


def main() -> int:
    wheels = sorted(Path(sys.argv[1]).glob("clary-*.whl"), key=lambda one: one.stat().st_mtime)
    if not wheels:
        print(f"there is no wheel in {sys.argv[1]}")
        return 1
    names = zipfile.ZipFile(wheels[-1]).namelist()
    if WANTED not in names:
        wheels[-1].unlink()
        print("the wheel was made without the console and is removed: build it first, with: make console")
        return 1
    print(f"{wheels[-1]}: {wheels[-1].stat().st_size / 1e6:.1f} MB, the console is in it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
