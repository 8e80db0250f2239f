"""What every run finds around it, whatever the sandbox: its Python, its environment, its /etc."""

import hashlib
import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import clary

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS")
_ETC = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "debian_version", "fonts", "gai.conf", "host.conf",
    "java-*", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "nsswitch.conf", "os-release",
    "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs", "protocols", "resolv.conf", "services", "ssl/cert.pem",
    "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
"""What of /etc is shown: what programs need to start, resolve names and trust certificates. Nothing about users."""
_NAMED: Final = tuple(Path("/etc", name) for name in _ETC if not name.endswith("*"))
_BEGUN: Final = tuple(name[:-1] for name in _ETC if name.endswith("*"))
_HOSTS: Final = Path("/etc/hosts")


ALONE: Final = ("algo-1", (("algo-1", "127.0.0.1"),))
"""(hostname, hosts) of a run that stands by itself: what `etc` says."""


@dataclass(frozen=True, slots=True)
class Guest:
    """The Python that runs use, and what of this machine it needs to be seen."""

    python: str
    visible: tuple[Path, ...]
    """Read-only inside, at the same path."""
    user_base: str | None = None

    @property
    def bin(self) -> str:
        return str(Path(self.python).parent)

    def environment(self, asked: Mapping[str, str], *, home: str, cpus: float | None) -> dict[str, str]:
        """The whole environment of the command. What was asked stands, but PATH begins with the Python's directory."""
        env = {"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "HOME": home}
        if self.user_base is not None:
            env["PYTHONUSERBASE"] = self.user_base
        if cpus is not None:
            env.update(dict.fromkeys(_THREADS, str(max(1, -int(-cpus // 1)))))
        # Runs share the machine. OpenMP threads that spin while they wait for a core that another run has made a
        # training of 4 s last 74 s.
        env["OMP_WAIT_POLICY"] = "PASSIVE"
        env.update(asked)
        env["PATH"] = f"{self.bin}:{asked.get('PATH', _SYSTEM_PATH)}"
        return env


def guest(python: str = sys.executable, extra: Sequence[Path] = ()) -> Guest:
    """The guest of that Python: its prefixes and the clary package are seen, and `extra`."""
    if python == sys.executable:
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    else:
        ask = "import sys; print(sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, sep='\\n')"
        told = subprocess.run([python, "-I", "-S", "-c", ask], capture_output=True, text=True, check=True)
        prefixes = set(told.stdout.splitlines())
    # A venv's python may be a link into a tree that no prefix names (a second link on the way).
    prefixes.add(str(Path(python).resolve().parent.parent))
    paths = {Path(prefix) for prefix in prefixes} | set(extra) | {Path(clary.__file__).parent}
    base = None
    if python == sys.executable and site.ENABLE_USER_SITE and Path(site.getusersitepackages()).is_dir():
        base = site.getuserbase()
        paths.add(Path(site.getusersitepackages()))
    return Guest(python, tuple(sorted(path for path in paths if path != Path("/usr"))), base)


def etc(root: Path) -> Path:
    """A directory that stands for /etc inside: a copy of what is public there, with names for this user and this host.

    Made anew whenever one of its sources changed (a laptop's resolv.conf does); runs keep the one they started with."""
    sources = _public()
    mark = hashlib.sha256()
    for path in (*sources, _HOSTS):
        with suppress(OSError):
            seen = path.stat()
            mark.update(f"{path}\0{seen.st_mtime_ns}\0{seen.st_size}\n".encode())
    base = root / ".etc"
    done = base / mark.hexdigest()[:16]
    if done.is_dir():
        return done
    base.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".new-", dir=base))
    for path in sources:
        _copy(path, made / path.relative_to("/etc"))
    _names(made)
    made.chmod(0o755)
    try:
        made.rename(done)
    except OSError:  # another process was first: what it made is the same
        shutil.rmtree(made)
    return done


def _public() -> list[Path]:
    """What of `_ETC` there is: every start of a run asks, so nothing is searched but one directory."""
    with os.scandir("/etc") as entries:
        begun = sorted(entry.path for entry in entries if entry.name.startswith(_BEGUN))
    return [*(path for path in _NAMED if path.exists()), *map(Path, begun)]


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError, shutil.Error):  # what this user may not read, the run may not either
        if path.is_dir():
            shutil.copytree(path, to, symlinks=True, ignore_dangling_symlinks=True)
        else:
            shutil.copyfile(path, to)


def _names(etc: Path) -> None:
    uid, gid = os.getuid(), os.getgid()
    users = {0: "root:x:0:0:root:/tmp:/bin/sh", 65534: "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"}
    groups = {0: "root:x:0:", 65534: "nogroup:x:65534:"}
    users.setdefault(uid, f"clary:x:{uid}:{gid}:clary:/tmp:/bin/sh")
    groups.setdefault(gid, f"clary:x:{gid}:")
    (etc / "passwd").write_text("".join(f"{line}\n" for line in users.values()))
    (etc / "group").write_text("".join(f"{line}\n" for line in groups.values()))
    names(etc, *ALONE)


def names(directory: Path, hostname: str, hosts: Sequence[tuple[str, str]]) -> tuple[Path, ...]:
    """The files hosts and hostname stand there, with the names of a cluster besides what this machine knows."""
    known = "127.0.0.1 localhost\n::1 localhost\n"
    with suppress(OSError):
        known = Path("/etc/hosts").read_text()
    lines = [known.rstrip(), *(f"{address} {name}" for name, address in hosts)]
    made = directory / "hosts", directory / "hostname"
    for path, text in zip(made, ("\n".join(lines), hostname), strict=True):
        path.write_text(f"{text}\n")
        path.chmod(0o644)
    return made
