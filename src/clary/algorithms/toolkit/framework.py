"""What the toolkit must know of the framework of an image."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from clary.algorithms.contract import ClientError, say


@dataclass(frozen=True, slots=True)
class Framework:
    name: str
    """As people write it: PyTorch."""
    module: str
    """What programs import: torch."""
    distribution: str
    """What pip calls it."""
    handlers: str
    """The module of its default functions at serving; see handlers.py."""
    install: str
    """What brings it where it is missing, in words for the operator."""
    distributed: bool = False
    """Several hosts are started together by torch.distributed."""

    def check(self, environ: Mapping[str, str]) -> None:
        """It can be imported, and the log says which version it is. Raises ClientError that says what to install."""
        if importlib.util.find_spec(self.module) is None:
            raise ClientError(f"{self.name} is not installed beside Clary on this machine: {self.install}")
        tag = environ.get("CLARY_IMAGE", "").rpartition("/")[2].partition("@")[0].partition(":")[2]
        asked = f" (the tag {tag} of the image chooses no other version)" if tag else ""
        python = ".".join(map(str, sys.version_info[:3]))
        say(f"{self.name} {self.version()} on Python {python}{asked}.")

    def version(self) -> str:
        from importlib import metadata

        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return "of an unknown version"
