"""The keeper: a small shell that stands by one run, so that nobody else has to.

It is nobody's child (its parent leaves at once), holds the run's lock, says `started` before the command and `exit`
after it, and carries out a stop. It is a POSIX shell because that starts in a millisecond and takes a megabyte.
"""

import fcntl
import hashlib
import os
import shlex
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clary.engines.runners.rundir import RunDir
from clary.engines.runners.sidecar import Sidecar, wake

# Why the order below is right across kill -9 at any line:
# - The lock (descriptor 9) is inherited, held from before `started` is made until the keeper is gone. So: lock free and
#   no `started` means that the command never ran and may be staged again; lock free, `started`, blank `exit`: lost.
# - `started` stands before the command is forked, never after.
# - `exit` exists from the staging on, with its block allocated: writing the end needs no space on a full disk, and one
#   write of a few bytes is there wholly or not at all.
# - Output goes to the starter's pipe until `started` stands, then to the log: the pipe's end is the starter's word.
# - When a companion fails, what it fed is cut short, and the command may take that for the end of its data. So the
#   command is killed, and should it have ended well already, that counts for nothing: companions are looked at again
#   after its end, and `broken` stands before `exit` does.
# - With a sidecar, nothing is begun before the starter has made us the owner of its socket (descriptor 8) and said so:
#   a starter that dies before leaves a pipe without a word, and no run; one that dies after is needed no more.
_SCRIPT = r"""
run=$1 depth=$2 durable=$3 oom=$4 files=$5 data=$6 tasks=$7 cpus=$8 groups=$9
shift 9
sidecar=$1 told=$2 attending=$3
shift 3
exec 9<&0 </dev/null
trap stop TERM
[ -n "$sidecar" ] && { exec 8<&2 2>&1; trap beside USR1; echo $$; read -r go <&1 || exit 1; }

stat_of() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  set -- ${stat##*) }
  state=$1 parent=$2 born=${20}
}
ours() { stat_of "$child" && [ "$parent" = $$ ]; }
first_child() {
  kids=
  read -r kids 2>/dev/null <"/proc/$1/task/$1/children"
  kid=${kids%% *}
  [ -n "$kid" ] && return
  [ -e "/proc/$1/task/$1/children" ] && return 1
  for near in /proc/[0-9]*; do
    stat_of "${near#/proc/}" && [ "$parent" = "$1" ] && kid=${near#/proc/} && return
  done
  return 1
}
command_of() {
  pid=$child steps=$depth
  while [ "$steps" -gt 0 ]; do
    first_child "$pid" || return 1
    pid=$kid steps=$((steps - 1))
  done
}
terminate() {
  while ours; do
    command_of && kill -TERM "$pid" 2>/dev/null && break
    sleep 0.05
  done
  # Ends by itself when the child does: a signal to a shell that was only just forked can be lost.
  sleep "0.${grace#*.}"
  left=${grace%.*}
  while [ "$left" -gt 0 ] && ours; do sleep 1; left=$((left - 1)); done
  # Asked of the kernel right before: a pid that was given out again is not our child.
  ours && kill -KILL "$child"
}
standing() {
  read -r line 2>/dev/null <"/proc/$helper/stat" || return 1
  set -- ${line##*) }
  [ "$2" = $$ ] && [ "$1" != Z ]
}
beside() {
  # Somebody has connected. Names of its own: it may come between any two commands of the others. Of itself it must not:
  # what a test between them says is lost to the shell then, and a second one was started.
  trap '' USR1
  [ -n "$helper" ] && standing || {
    { trap - USR1 TERM; exec 9>&- </dev/null >/dev/null 2>>"$told"
      eval "exec $sidecar --listen-fd 8 --watch-pid $$"; } &
    helper=$!
  }
  trap beside USR1
}
companion() {
  {
    exec 8<&- 9>&- </dev/null >/dev/null 2>>"$run/companions"
    CLARY_RUN=$1 CLARY_RUN_ML=$run/ml CLARY_KEEPER=$$
    export CLARY_RUN CLARY_RUN_ML CLARY_KEEPER
    shift
    exec "$@"
  } &
  companions="$companions $!"
}
attends() {
  read -r entry 2>/dev/null <"/proc/$1/stat" || return 1
  set -- ${entry##*) }
  [ "$2" = $$ ] && [ "$1" != Z ]
}
fail() {
  echo "$1" >"$run/broken"
  fell=1
  cut_off
}
cut_off() {
  # In the background, as a stop: a sandbox that is killed while it is set up may leave a part that nothing ends.
  [ -z "$child" ] || [ -n "$killer" ] && return
  { exec 8<&- 9>&- </dev/null >/dev/null 2>&1
    while ours; do command_of && kill -KILL "$child" && break; sleep 0.05; done; } &
  killer=$!
}
fallen() {
  # Somebody has ended: a companion that ended well has done its work. It may come again while it looks.
  missed=1
  [ -n "$looking" ] && return
  looking=1
  while [ -n "$missed" ]; do
    missed= stay=
    for one in $companions; do
      attends "$one" && stay="$stay $one" && continue
      wait "$one" 2>/dev/null || fail "$?"
    done
    companions=$stay
  done
  looking=
  [ -z "$missed" ] || fallen
}
dismiss() {
  trap - CHLD
  fallen
  for one in $companions; do
    attends "$one" && kill -TERM "$one"
    wait "$one" 2>/dev/null
    ended=$?
    [ "$ended" = 0 ] || [ "$ended" = 143 ] || fail "$ended"
  done
  [ -n "$fell" ] && [ "$code" = 0 ] && code=125
}
stop() {
  # No tests: what one says is lost to the shell when a second trap comes in the midst of this one.
  case "$child" in '') early=1; return ;; esac
  # Every stop sends its signal, the first counts. One that came between the fork below and `timer` would begin another
  # one, and a command that is on its way out dies of a second SIGTERM. Not before the command stands: it would inherit.
  trap '' TERM
  case "$timer" in ?*) return ;; esac
  grace=0.000
  read -r grace <"$run/stop"
  # Closed inside and for good: closed as a redirection of the call, the shell would keep a copy to restore.
  { trap - TERM; exec 8<&- 9>&- </dev/null >/dev/null 2>&1; terminate; } &
  timer=$!
}
sweep() {
  # Only where there is no PID namespace: what the command left behind was given to us by the kernel (subreaper).
  # A child may bequeath us its own between the list and the look at it: only a list that stays is the last.
  before=none
  while :; do
    kids= live=
    read -r kids 2>/dev/null <"/proc/$$/task/$$/children"
    for kid in $kids; do
      stat_of "$kid" && [ "$state" != Z ] && live=1 && kill -KILL "$kid" 2>/dev/null
    done
    # A list in which one still lived may be older than what that one has bequeathed: it is no proof.
    [ -n "$live" ] && before=none && continue
    [ "$kids" = "$before" ] && return
    before=$kids
  done
}

child= timer= early= helper= companions= fell= looking= killer=
stat_of $$ || exit 1
printf '%s %s\n' "$$" "$born" >"$run/started" || { rm -f "$run/started"; exit 1; }
[ -n "$durable" ] && { sync "$run/started" "$run" || exit 1; }
exec >>"$run/log" 2>&1
[ -n "$attending" ] && { trap fallen CHLD; eval "$attending"; }
{
  # `tasks` (v1) moves this one thread without the machine-wide lock that `cgroup.procs` waits ten milliseconds for.
  for group in $groups; do
    if [ -e "$group/tasks" ]; then echo 0 >"$group/tasks"; else echo 0 >"$group/cgroup.procs"; fi || exit 126
  done
  ulimit -n "$files"
  [ -n "$data" ] && ulimit -d "$data"
  [ -n "$tasks" ] && { ulimit -u "$tasks" 2>/dev/null || ulimit -p "$tasks" 2>/dev/null; }
  echo 500 2>/dev/null >/proc/self/oom_score_adj
  exec 8<&-
  # A sandbox holds the lock with us, so that the run counts as alive until the last of it is gone; a bare command
  # must not get it.
  [ "$depth" = 0 ] && exec 9>&-
  [ -n "$cpus" ] && exec taskset -c "$cpus" "$@"
  exec "$@"
} &
child=$!
[ -n "$early" ] && stop
[ -n "$fell" ] && cut_off
while :; do
  wait "$child"
  code=$?
  [ "$code" -le 128 ] && break
  ours && continue
  # Over 128 is the child's end or a signal to us; a child that was reaped while a signal came tells its end once more.
  for look in 1 2; do
    wait "$child" 2>/dev/null
    again=$?
    [ "$again" = 127 ] || code=$again
  done
  break
done
[ -n "$attending" ] && dismiss
[ -n "$sidecar" ] && { trap '' USR1; exec 8<&-; [ -n "$helper" ] && standing && kill "$helper"; }
[ "$depth" = 0 ] && sweep
kills=0
if [ -n "$oom" ]; then
  while read -r name count; do [ "$name" = oom_kill ] && kills=$count; done <"$oom"
fi
[ -n "$durable" ] && sync -f "$run/ml"
printf '%d %d\n' "$code" "$kills" 1<>"$run/exit"
[ -n "$durable" ] && sync "$run/exit"
[ -n "$groups" ] || exit 0
vacate() { for group in $groups; do [ ! -d "$group" ] || rmdir "$group" 2>/dev/null || return 1; done; }
# Whoever waits for our end need not wait for a command that removes them, nor for the kernel, which still counts the
# dead in.
{
  exec 9>&- </dev/null >/dev/null 2>&1
  for nap in 0.01 0.05 0.2 1 5 30 0; do
    vacate && exit 0
    sleep "$nap"
  done
} &
exit 0
"""

# Orphans of the command become children of the keeper: PR_SET_CHILD_SUBREAPER, which survives exec and which no shell
# can ask for.
_SUBREAPER = """
import ctypes, os, sys
ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the kernel is told before the command starts. None: not bounded that way."""

    open_files: int
    data_bytes: int | None = None
    tasks: int | None = None
    cpus: frozenset[int] | None = None
    groups: tuple[Path, ...] = ()
    oom_counter: Path | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """A command line that enters the sandbox, and how it is kept."""

    argv: Sequence[str]
    depth: int
    """How many processes stand between the child of the keeper and the command: 2 in a sandbox, 0 without."""
    descriptors: tuple[int, ...] = ()
    subreaper: str | None = None
    """The Python that makes the keeper the heir of orphans; None where a PID namespace does that."""


def launch(
    run: RunDir,
    lock: int,
    what: Launch,
    limits: Limits,
    env: Mapping[str, str],
    durable: bool,
    beside: tuple[Sidecar, socket.socket] | None = None,
    companions: Sequence[Sequence[str]] = (),
) -> str:
    """The keeper has been started and has said `started`, or has failed: what it said then is returned. `beside`: the
    run's sidecar and its listening socket. `companions`: see Work."""
    sidecar, listener = beside or (None, None)
    script = [
        "/bin/sh", str(_script(run.path.parent)), str(run.path), str(what.depth), "1" if durable else "",
        str(limits.oom_counter or ""), str(limits.open_files),
        "" if limits.data_bytes is None else str(limits.data_bytes // 1024),
        "" if limits.tasks is None else str(limits.tasks),
        "" if limits.cpus is None else ",".join(map(str, sorted(limits.cpus))),
        " ".join(map(str, limits.groups)),
        "" if sidecar is None else shlex.join(sidecar.command),
        "" if sidecar is None else str(sidecar.log),
        "\n".join(shlex.join(("companion", run.digest(), *one)) for one in companions),
    ]  # fmt: skip
    if what.subreaper is not None:
        script = [what.subreaper, "-I", "-S", "-c", _SUBREAPER, *script]
    ours, theirs = socket.socketpair()
    # setsid forks and leaves: the keeper belongs to no session, group or parent of ours. (A shell's `&` would do so
    # too, but makes everything below it ignore SIGINT for ever.)
    with ours, theirs:
        done = subprocess.Popen(
            ["setsid", "--fork", *script, *what.argv],
            stdin=lock,
            stdout=theirs.fileno(),
            # The listener as its stderr: a shell can name no descriptor beyond 9.
            stderr=subprocess.STDOUT if listener is None else listener.fileno(),
            pass_fds=what.descriptors,
            cwd="/",
            env={**env, **(sidecar.environment if sidecar is not None else {})},
        )
        theirs.close()
        with done:
            said = b"" if listener is None else _own(ours, listener)
            while more := ours.recv(4096):
                said += more
    return said.decode(errors="replace").strip()


def _own(keeper: socket.socket, listener: socket.socket) -> bytes:
    """The keeper owns the listening socket and goes on; what it said otherwise is returned."""
    said = b""
    while not said.endswith(b"\n"):
        more = keeper.recv(4096)
        if not more:
            return said
        said += more
    if not said.strip().isdigit():
        return said
    wake(listener, int(said))
    keeper.sendall(b"go\n")
    return b""


def _script(root: Path) -> Path:
    """The script as a file, named by its content: a shell reads on while it runs, so the file must never change."""
    path = root / f".keeper-{hashlib.sha256(_SCRIPT.encode()).hexdigest()[:12]}"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=root, prefix=".new-", delete=False) as file:
            file.write(_SCRIPT)
        Path(file.name).rename(path)
    return path


def sealed(data: bytes) -> int:
    """A descriptor to an anonymous file that holds `data`: command lines can be read by every user, this cannot."""
    made = os.memfd_create("clary-run", os.MFD_CLOEXEC)
    # Beyond 9: the numbers below are the keeper's own.
    fd = fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(made)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd
