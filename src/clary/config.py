"""Every setting, in one place; the only reader of os.environ."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal


def _setting(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class Config:
    """One frozen value, made once by `read` and handed down. Every field can be set by the variable CLARY_<FIELD>."""

    home: Path = _setting(Path("~/.clary"), "Where everything is kept: state, objects, runs, logs, credentials.")
    host: str = _setting(
        "127.0.0.1", "The address to listen on. Anything but a loopback address opens Clary to the network."
    )
    port: int = _setting(4810, "The one public TCP port; 0 picks a free one.")
    region: str = _setting("us-east-1", "The region that `clary env` exports. Requests name their own region.")
    fronts: int = _setting(1, "How many processes of the data plane share the public port.")
    graph_workers: int = _setting(
        16, "The most processes that hold compiled models; an instance has one of its own while there are fewer."
    )
    compile: Literal["auto", "off"] = _setting(
        "auto",
        "auto: models of built-in containers, and inference pipelines of them, are compiled into one graph when they"
        " are made, and served by it where it agrees with the containers; off: the containers serve.",
    )
    graphs_in: Literal["workers", "fronts"] = _setting(
        "workers",
        "Where compiled models are held. workers: in processes of their own, which may die without anybody's notice;"
        " fronts: the first ones in the processes that answer the port, which spares a request the way to another"
        " process, but whatever ends such a process ends its connections, too.",
    )
    store_sync: Literal["normal", "full"] = _setting(
        "normal",
        "normal: what was answered survives a killed process; full: also a power cut, at a few ms a write. Objects are"
        " always synced before a write of them is answered, whatever this says.",
    )
    lease_seconds: float = _setting(30.0, "How long a dead worker's resource waits before another takes it up.")
    reconcile_workers: int = _setting(16, "How many resources are stepped at the same time.")
    max_run_cpus: float = _setting(0.0, "The most CPUs one job may use; 0: all of this machine.")
    max_run_memory_bytes: int = _setting(0, "The most memory one job may use; 0: all of this machine.")
    queue_cpus: float = _setting(
        0.0, "How many CPUs are given out to jobs that run at the same time; 0: as many as this machine has."
    )
    queue_memory_bytes: int = _setting(
        0, "How much memory is given out to jobs that run at the same time; 0: as much as this machine has."
    )
    instance_scale: float = _setting(
        0.25,
        "How much of a CPU and of a GiB of this machine one of an instance type counts for, when jobs queue for it:"
        " at 0.25 an ml.m5.xlarge (4 vCPUs, 16 GiB) asks for 1 CPU and 4 GiB. What a job may use is not cut by it.",
    )
    oversize: Literal["clamp", "refuse"] = _setting(
        "clamp", "A job that asks for more than the queue ever gives: clamp (it waits for all of it), or refuse it."
    )
    sandbox: Literal["auto", "plain"] = _setting(
        "auto", "auto: bubblewrap where this machine allows it; plain: never (same contract, no isolation)."
    )
    container_engine: str = _setting(
        "auto",
        "Where containers run: auto (the first socket of Docker or Podman that answers), off, or an address like"
        " unix:///run/podman/podman.sock. Where this variable is not set, DOCKER_HOST counts.",
    )
    other_hosts: Literal["pass", "refuse"] = _setting(
        "pass", "What becomes of requests of jobs and of `clary run` to hosts that are not AWS's: pass, or refuse."
    )
    audit_days: int = _setting(90, "How many days the audit (CloudTrail's LookupEvents) is kept.")
    deliver_to: Literal["loopback", "any"] = _setting(
        "loopback", "Where web addresses that subscribe to topics may be: on this machine only, or anywhere."
    )
    hold_describe_seconds: float = _setting(
        20.0, "How long a Describe of a client's waiting loop is held while nothing changes, at most; 0: never."
    )
    metrics_page: Literal["loopback", "any", "off"] = _setting(
        "loopback", "Who may read GET /metrics without a signature: clients of this machine, anybody, nobody."
    )
    console_dir: str = _setting("", "The console's built files, where they are not the package's own.")
    serverless_idle_seconds: float = _setting(
        300.0, "After how long without a request a serverless variant has no instance any more."
    )
    capture_seconds: float = _setting(
        10.0, "How long captured inferences are gathered before they are stored in S3 as one object."
    )
    capture_spool_bytes: int = _setting(
        256 * 1024 * 1024,
        "How many captured inferences wait on this machine to be stored, at most, in bytes; each endpoint may take a"
        " quarter of it. What is more is dropped.",
    )
    serving_metrics_seconds: float = _setting(
        5.0, "How often what endpoints have served becomes metrics; whole parts of a minute keep minutes exact."
    )
    autoscaling_speed: float = _setting(
        1.0,
        "How fast the clock of autoscaling runs: at 30, periods of its alarms, windows and cooldowns are 30 times"
        " shorter than on AWS, as far as alarms can be (10 seconds at least). For demonstrations.",
    )
    multi_model_count: int = _setting(
        100, "How many models one instance of a multi-model endpoint has loaded at the same time."
    )
    multi_model_memory_bytes: int = _setting(
        2 * 1024 * 1024 * 1024,
        "How much memory the models of one instance of a multi-model endpoint may take before the one that was used"
        " longest ago makes room for another.",
    )
    approval_rules: str = _setting(
        "",
        "What must hold before a version of any model package group may be Approved, with semicolons between:"
        " two-persons; not-author; metric NAME at-least NUMBER (or at-most, above, below);"
        " beat-in-service NAME higher (or lower).",
    )
    sdk_environments: str = _setting(
        "",
        "Virtual environments in which the SageMaker SDK is installed, with colons between. Jobs that run its functions"
        " (@step, @remote) find the packages of the one of their client's major version; where there is none, pip"
        " installs the client's SDK, once.",
    )
    spark_master: str = _setting(
        "local[*]",
        "Where Glue's Spark jobs compute: local[*] (this machine), or the address of a cluster like spark://host:7077,"
        " whose machines must reach this one.",
    )
    spark_memory: str = _setting(
        "auto", "The heap of each Spark job's Java, like 2g; auto: a quarter of this machine's memory, at most 4 GiB."
    )
    spark_spares: int = _setting(
        1, "How many Sparks are started ahead, once a job has needed one; 0: each job starts its own."
    )
    spark_idle_seconds: float = _setting(900.0, "After how long without a job a Spark that was started ahead ends.")
    spark_class_archive: Literal["auto", "off"] = _setting(
        "auto",
        "auto: after the first Spark job an archive of Java's classes is made in the background (200 MB, once), which"
        " halves later starts; off: it is not.",
    )
    query_workers: int = _setting(2, "How many queries of Athena run at the same time; others are QUEUED.")
    query_threads: int = _setting(0, "How many threads one query uses; 0: as many as this machine has CPUs.")
    query_memory_bytes: int = _setting(
        0, "How much memory one query may use before it goes on on disk; 0: its share of half of this machine's."
    )
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")

    @property
    def state_file(self) -> Path:
        return self.home / "state" / "clary.db"

    @property
    def objects_dir(self) -> Path:
        return self.home / "objects"

    @property
    def queries_dir(self) -> Path:
        """What queries have not yet put where it belongs."""
        return self.home / "queries"

    @property
    def runs_dir(self) -> Path:
        return self.home / "runs"

    @property
    def environments_dir(self) -> Path:
        """Python environments with the packages that programs asked for."""
        return self.home / "environments"

    @property
    def queues_file(self) -> Path:
        return self.home / "state" / "queues.db"

    @property
    def outbox_dir(self) -> Path:
        """Mail that Clary sends: one `.eml` file a message."""
        return self.home / "outbox"

    @property
    def signing_dir(self) -> Path:
        """Key and certificate by which notifications are signed, made for the first of them."""
        return self.home / "signing"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    @property
    def metrics_dir(self) -> Path:
        return self.home / "metrics"

    @property
    def audit_dir(self) -> Path:
        """Who did what; readable by the owner only."""
        return self.home / "audit"

    @property
    def serving_dir(self) -> Path:
        return self.home / "serving"

    @property
    def graphs_dir(self) -> Path:
        """Compiled models, and what their workers shall hold."""
        return self.serving_dir / "graphs"

    @property
    def spark_classes_dir(self) -> Path:
        """Archives of Java's classes, for quicker starts."""
        return self.home / "spark" / "classes"

    @property
    def credentials_file(self) -> Path:
        return self.home / "credentials.json"

    @property
    def server_file(self) -> Path:
        return self.home / "server.json"

    @property
    def server_log(self) -> Path:
        return self.home / "server.log"

    @property
    def authority_dir(self) -> Path:
        """Key and certificate of the home's certificate authority, made by the first `clary run`."""
        return self.home / "authority"

    @property
    def intercept_log(self) -> Path:
        """JSON lines of the proxies of `clary run`."""
        return self.home / "intercept.log"

    @property
    def sdk_dir(self) -> Path:
        """Defaults for the SageMaker Python SDK."""
        return self.home / "sdk"

    @property
    def endpoint_url(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def read(environ: Mapping[str, str] | None = None, **given: Any) -> Config:
    """The settings: what is given (None counts as not given), else the environment, else the default. Raises ValueError
    with the variable's name when a value does not parse."""
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for one in fields(Config):
        variable = f"CLARY_{one.name.upper()}"
        raw = given.get(one.name)
        if raw is None:
            raw = env.get(variable)
        if raw is None and one.name == "container_engine":
            raw = env.get("DOCKER_HOST")
        if raw is None:
            raw = one.default
        try:
            values[one.name] = _parse(one.name, one.default, raw)
        except ValueError as error:
            raise ValueError(f"{variable}={raw!r}: {error}") from None
    return Config(**values)


_CHOICES = {
    "compile": ("auto", "off"),
    "store_sync": ("normal", "full"),
    "oversize": ("clamp", "refuse"),
    "sandbox": ("auto", "plain"),
    "other_hosts": ("pass", "refuse"),
    "deliver_to": ("loopback", "any"),
    "metrics_page": ("loopback", "any", "off"),
    "spark_class_archive": ("auto", "off"),
    "log_level": ("DEBUG", "INFO", "WARNING", "ERROR"),
}


def _parse(name: str, default: Any, raw: Any) -> Any:
    if isinstance(default, Path):
        return Path(raw).expanduser().absolute()
    if isinstance(default, int) and not isinstance(raw, int):
        raw = int(raw)
    elif isinstance(default, float) and not isinstance(raw, float):
        raw = float(raw)
    if name == "autoscaling_speed" and not 0 < raw <= 1000:
        raise ValueError("must be greater than 0, and 1000 at most")
    if name == "spark_memory" and raw != "auto" and not re.fullmatch(r"[1-9][0-9]*[kmgt]", raw):
        raise ValueError("must be auto, or a number with k, m, g or t, like 2g")
    if name == "approval_rules" and raw:
        from clary.approval_rules import of_setting

        of_setting(raw)
    if name in _CHOICES and raw not in _CHOICES[name]:
        raise ValueError(f"must be one of {', '.join(_CHOICES[name])}")
    return raw
