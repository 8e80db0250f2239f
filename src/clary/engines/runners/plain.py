"""Where bubblewrap cannot be used: the same contract with less isolation.

mounts  root, but no sandbox wanted or possible: /opt/ml and /tmp are private by a mount namespace; the rest of the
        machine is seen as it is.
plain   nobody may mount: the run gets CLARY_ML_ROOT and sees its directory where its command line and environment say
        "/opt/ml"; a program that has that path built in does not find it. The names of a cluster's hosts stand in the
        file CLARY_HOSTS_FILE; a program that asks the machine's resolver does not find them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from clary.engines.runners import sockets
from clary.engines.runners.guest import Guest
from clary.engines.runners.keeper import Launch, sealed
from clary.engines.runners.sandbox import View
from clary.engines.runners.stage import ML

MOUNTED_SOCKETS = "/opt/clary"
MOUNTED_FILES = "/opt/sidecar"
MOUNTED_PEERS = "/opt/peers"
# --pdeathsig: unshare dies with its keeper, and everything in the namespace with unshare.
ENTER_NAMESPACES = (
    "setpriv", "--pdeathsig", "KILL",
    "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts",
)  # fmt: skip

# Reads the command from a descriptor, since a shell drops variables whose name is no identifier (SM_HP_max-depth).
# PR_SET_PDEATHSIG: the command dies with its keeper; it is asked for before the check that the keeper still lives.
_ENTER = """
import ctypes, json, os, signal, sys
with open(int(sys.argv[1]), 'rb') as file:
    told = json.load(file)
if told['pdeathsig']:
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_DFL)
    except (OSError, ValueError):
        pass
name = told['argv'][0]
try:
    os.chdir(told['cwd'])
    os.execvpe(name, told['argv'], told['env'])
except OSError as error:
    print(f'{error.filename or name}: {error.strerror}', file=sys.stderr, flush=True)
    os._exit(127 if isinstance(error, FileNotFoundError) else 126)
"""

# The shell is the first process of the PID namespace: when it ends, everything in there does.
_MOUNT = """
set -e
hostname "$1" 2>/dev/null || true
names=$2
shift 2
while [ "$names" -gt 0 ]; do
  [ ! -e "/etc/${1##*/}" ] || mount --bind "$1" "/etc/${1##*/}"
  shift; names=$((names - 1))
done
mount -t tmpfs -o mode=755 clary /opt
mkdir /opt/ml
mount --bind "$1" /opt/ml
[ -z "$3" ] || { mkdir "$4"; mount --bind "$3" "$4"; }
tmp=$2 files=$5
shift 5
while [ "$files" -gt 0 ]; do
  mkdir -p "$1"; : >"$1/${2##*/}"; mount --bind "$2" "$1/${2##*/}"; mount -o remount,bind,ro "$1/${2##*/}"
  shift 2; files=$((files - 1))
done
[ -z "$tmp" ] || mount --bind "$tmp" /tmp
set +e
"$@" 9>&- &
wait $!
exit $?
"""

_WORD = re.compile(re.escape(ML) + r"(?![A-Za-z0-9_.-])")


def rewrite(text: str, ml: Path) -> str:
    """The text with every path /opt/ml turned into the run's own directory (/opt/mlflow stays)."""
    return _WORD.sub(lambda _: str(ml), text)


def plain(guest: Guest, view: View, command: Sequence[str], env: Mapping[str, str]) -> Launch:
    """No namespace at all."""
    told = {
        "argv": [rewrite(word, view.ml) for word in command],
        "env": {name: rewrite(value, view.ml) for name, value in env.items()} | {"CLARY_ML_ROOT": str(view.ml)},
        "cwd": rewrite(view.cwd, view.ml),
        "pdeathsig": True,
    }
    descriptor = sealed(json.dumps(told).encode())
    return Launch([*_enter(guest, descriptor)], 0, (descriptor,), subreaper=guest.python)


def mounts(guest: Guest, view: View, command: Sequence[str], env: Mapping[str, str]) -> Launch:
    """Mount, PID, IPC and UTS namespaces made by root."""
    told = {"argv": list(command), "env": dict(env), "cwd": view.cwd, "pdeathsig": False}
    descriptor = sealed(json.dumps(told).encode())
    # A Python that is installed below /tmp would vanish behind a private /tmp.
    private_tmp = "" if any(Path("/tmp") in path.parents for path in guest.visible) else str(view.tmp)
    argv = [*ENTER_NAMESPACES]
    if not view.network:
        argv.append("--net")
    shown = [(MOUNTED_FILES, file) for file in view.files]
    shown += [(f"{MOUNTED_PEERS}/{peer.name}", peer / sockets.NAME) for peer in view.peers]
    places = [view.hostname, str(len(view.names)), *map(str, view.names)]
    places += [str(view.ml), private_tmp, str(view.serve or ""), MOUNTED_SOCKETS, str(len(shown))]
    for directory, file in shown:
        places += [directory, str(file)]
    argv += ["--", "/bin/sh", "-c", _MOUNT, "clary-mounts", *places, *_enter(guest, descriptor)]
    return Launch(argv, 2, (descriptor,))


def _enter(guest: Guest, descriptor: int) -> list[str]:
    return [guest.python, "-I", "-S", "-c", _ENTER, str(descriptor)]
