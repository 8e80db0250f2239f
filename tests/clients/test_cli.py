"""The `clary` command, as a user types it."""

import json
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from tests.real import RealClary, until

pytestmark = pytest.mark.server


def test_env_prints_exports_that_a_shell_understands(server: RealClary) -> None:
    said = server.clary("env").stdout
    script = f'{said}\nprintf "%s" "$AWS_ENDPOINT_URL"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == server.url


def test_run_gives_the_environment_and_passes_the_exit_code_on(server: RealClary) -> None:
    program = "import os, sys; print(os.environ['AWS_ENDPOINT_URL']); sys.exit(7)"
    done = server.clary("run", "--", sys.executable, "-c", program, check=False)
    assert done.stdout.strip() == server.url
    assert done.returncode == 7
    missing = server.clary("run", "--", "no-such-program", check=False)
    assert missing.returncode == 127
    assert "no-such-program" in missing.stderr


def test_status_says_where_it_runs(server: RealClary) -> None:
    said = json.loads(server.clary("status", "--json").stdout)
    assert said["running"] is True
    assert said["url"] == server.url
    assert said["memory_mb"] > 10
    assert server.url in server.clary("status").stdout


def test_a_second_up_on_the_same_home_is_refused_with_a_clear_word(server: RealClary) -> None:
    done = server.clary("up", "--port", "0", check=False)
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert "clary down" in done.stderr


def test_a_taken_port_is_named(own_server: RealClary) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = own_server.clary("up", "--port", port, check=False)
    assert done.returncode == 1
    assert port in done.stderr
    assert "--port" in done.stderr


def test_up_detached_and_down(own_server: RealClary) -> None:
    said = own_server.clary("up", "--detach", "--port", "0").stdout
    assert "ready at http://127.0.0.1:" in said
    pid = json.loads(own_server.clary("status", "--json").stdout)["pid"]
    own_server.clary("down")
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    done = own_server.clary("status", "--json", check=False)
    assert done.returncode == 3
    assert json.loads(done.stdout)["running"] is False
    assert not (own_server.home / "server.json").exists()


def test_the_home_is_readable_by_its_owner_only(server: RealClary) -> None:
    assert (server.home / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_without_a_home_the_next_step_is_told(own_server: RealClary) -> None:
    done = own_server.clary("env", check=False)
    assert done.returncode == 1
    assert "clary up" in done.stderr


def test_doctor_looks_at_everything(server: RealClary) -> None:
    said = json.loads(server.clary("doctor", "--json", check=False).stdout)
    checks = {one["check"]: one["verdict"] for one in said}
    assert {"python", "home", "disk", "port", "memory", "sandbox", "algorithms"} <= checks.keys()
    assert checks["home"] == checks["port"] == "ok"


@pytest.mark.parametrize("command", ["", "up", "down", "status", "env", "run", "demo", "stress", "doctor"])
def test_every_command_has_a_help_page(command: str) -> None:
    line = [sys.executable, "-m", "clary", *([command] if command else []), "--help"]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert "Usage" in said
    assert len(said.splitlines()) > 5


def test_a_dead_control_process_is_replaced_and_clients_only_wait(own_server: RealClary) -> None:
    own_server.up()
    models = own_server.client("sagemaker")
    assert models.list_models()["Models"] == []
    control = pid_of(own_server, "clary.processes.control")
    os.kill(control, signal.SIGKILL)
    assert models.list_models()["Models"] == []
    assert until(lambda: pid_of(own_server, "clary.processes.control")) != control


def pid_of(server: RealClary, module: str) -> int:
    for one in psutil.Process(server.process.pid).children():
        try:
            if module in one.cmdline():
                return one.pid
        except psutil.NoSuchProcess:
            continue
    return 0
