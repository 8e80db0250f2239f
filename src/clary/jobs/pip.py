"""What pip is told on this machine: indexes, certificates, proxies. A sandbox sees neither the operator's variables nor
the files where they are configured, so they are asked of pip itself and handed in as variables."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_PLACES: Final = ("index-url", "extra-index-url", "find-links", "cert", "client-cert", "proxy", "trusted-host")
"""What concerns where packages come from."""
_OTHERS: Final = ("timeout", "default-timeout", "retries", "only-binary", "no-binary", "prefer-binary", "no-index")
_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    values: Mapping[str, str]
    """By pip's long option, words of several separated by blanks."""

    def variables(self, *, secrets: bool) -> dict[str, str]:
        """PIP_* variables. Without `secrets` addresses that hold a password are left out: for programs of users."""
        found = {}
        for name, value in self.values.items():
            words = [word for word in value.split() if secrets or not _has_password(word)]
            if words:
                found[f"PIP_{name.upper().replace('-', '_')}"] = " ".join(words)
        return found

    def directories(self) -> tuple[Path, ...]:
        """Directories of this machine that they name. Of an index whose pages stand in `simple/` the one above: mirrors
        keep the files beside the pages."""
        found = []
        for name in ("index-url", "extra-index-url", "find-links"):
            for word in self.values.get(name, "").split():
                path = Path(unquote(urlsplit(word).path)) if word.startswith("file://") else Path(word)
                if path.is_absolute() and path.is_dir():
                    found.append(path.parent if path.name == "simple" and name != "find-links" else path)
        return tuple(found)


def _has_password(word: str) -> bool:
    return "://" in word and "@" in urlsplit(word).netloc


@cache
def settings() -> Settings:
    """As pip tells them, once for this process: its configuration files and the variables of the server. Blocks."""
    words = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return Settings({})  # no pip that works: the installation itself will say so
    return Settings(read(told))


def read(told: str) -> dict[str, str]:
    """Of `pip config list`: `global.index-url='...'`, the settings of its install command, and the environment's, the
    later over the earlier."""
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in told.splitlines():
        name, equals, value = line.partition("=")
        section, dot, option = name.partition(".")
        if equals and dot and section in found and option in (*_PLACES, *_OTHERS):
            try:
                found[section][option] = " ".join(str(ast.literal_eval(value)).split())
            except (ValueError, SyntaxError):
                continue
    return {**found["global"], **found["install"], **found[":env:"]}
