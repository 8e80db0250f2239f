"""The arguments that Glue itself consumes: which are refused, and what the others ask for."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clary.services.glue.errors import InvalidInputException

BOOKMARKS: Final = ("job-bookmark-enable", "job-bookmark-disable", "job-bookmark-pause")
_REFUSED: Final = {
    "--job-bookmark-from": "bookmarks over a range of runs are not served; ResetJobBookmark takes a RunId instead",
    "--job-bookmark-to": "bookmarks over a range of runs are not served; ResetJobBookmark takes a RunId instead",
    "--extra-jars": "Spark jobs run with the jars of PySpark alone; what they add to Java cannot be served",
    "--user-jars-first": "Spark jobs run with the jars of PySpark alone",
    "--class": "scripts in Scala are not served; write the script in Python",
    "--enable-lakeformation-fine-grained-access": "Lake Formation is not served; permissions are those of the role",
    "--customer-executor-env-vars": "executors have the variables of the run, or --conf spark.executorEnv.NAME=value",
}
_CONSUMED: Final = frozenset(
    (
        "--additional-python-modules",
        "--auto-scale-within-microbatch",
        "--conf",
        "--continuous-log-conversionPattern",
        "--continuous-log-logGroup",
        "--continuous-log-logStreamPrefix",
        "--customer-driver-env-vars",
        "--datalake-formats",
        "--disable-proxy-v2",
        "--enable-auto-scaling",
        "--enable-continuous-cloudwatch-log",
        "--enable-continuous-log-filter",
        "--enable-glue-datacatalog",
        "--enable-job-insights",
        "--enable-metrics",
        "--enable-observability-metrics",
        "--enable-rename-algorithm-v2",
        "--enable-s3-parquet-optimized-committer",
        "--enable-spark-ui",
        "--extra-files",
        "--extra-py-files",
        "--job-language",
        "--library-set",
        "--python-modules-installer-option",
        "--scriptLocation",
        "--spark-event-logs-path",
        "--use-postgres-driver",
    )
)
"""These never reach the script."""
_OWN: Final = ("--JOB_NAME", "--JOB_ID", "--JOB_RUN_ID", "--SECURITY_CONFIGURATION")
_MODULE: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[A-Za-z0-9,._ -]*\])?\s*([<>=!~][^/;,\s]*(,[<>=!~][^/;,\s]*)*)?"
)
_OPTIONS: Final = (
    "--index-url",
    "-i",
    "--extra-index-url",
    "--no-binary",
    "--only-binary",
    "--prefer-binary",
    "--pre",
    "--trusted-host",
    "--find-links",
)
"""What pip takes from a file of requirements."""
_HERE_ALREADY: Final = ("--upgrade", "-U", "--force-reinstall", "--no-cache-dir", "--quiet", "-q", "--verbose", "-v")
"""What makes no difference to a new environment."""
_PYTHON: Final = (".py", ".zip", ".egg", ".whl")


@dataclass(frozen=True, slots=True)
class Special:
    """What the arguments ask of Glue."""

    extra_py_files: tuple[str, ...] = ()
    """S3 URIs."""
    extra_files: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    """Requirements of pip, and S3 URIs of wheels."""
    options: tuple[str, ...] = ()
    """Lines of a requirements file."""
    conf: Mapping[str, str] | None = None
    bookmark: str = "job-bookmark-disable"
    temp_dir: str | None = None
    environment: Mapping[str, str] | None = None


def read(given: Mapping[str, str]) -> Special:
    """Raises InvalidInputException for what cannot be served, and for what is written wrongly."""
    for name, why in _REFUSED.items():
        if given.get(name):
            raise InvalidInputException(f"The argument {name} is not served: {why}.")
    if given.get("--job-language", "python") != "python":
        raise InvalidInputException("The argument --job-language: only python is served; write the script in Python.")
    bookmark = given.get("--job-bookmark-option", "job-bookmark-disable")
    if bookmark not in BOOKMARKS:
        raise InvalidInputException(f"--job-bookmark-option must be one of {', '.join(BOOKMARKS)}, not {bookmark!r}")
    formats = [one for one in _words(given.get("--datalake-formats", "")) if one != "iceberg"]
    if formats:
        raise InvalidInputException(f"--datalake-formats: {formats[0]} is not served; iceberg is.")
    temp = given.get("--TempDir") or None
    if temp is not None and not temp.startswith(("s3://", "s3a://", "s3n://")):
        raise InvalidInputException(f"--TempDir must be an S3 URI such as s3://bucket/prefix/, not {temp!r}")
    return Special(
        extra_py_files=_uris("--extra-py-files", given, _PYTHON),
        extra_files=_uris("--extra-files", given, ()),
        modules=_modules(given.get("--additional-python-modules", "")),
        options=_options(given.get("--python-modules-installer-option", "")),
        conf=_conf(given.get("--conf", "")),
        bookmark=bookmark,
        temp_dir=temp,
        environment=_variables(given.get("--customer-driver-env-vars", "")),
    )


def argv(given: Mapping[str, str], job: str, job_id: str, run_id: str, security: str, *, spark: bool) -> list[str]:
    """The words behind the script's name. As on AWS a Spark script is told which run it is, and a Python shell script
    gets its own arguments only."""
    words = ["--JOB_NAME", job, "--JOB_ID", job_id, "--JOB_RUN_ID", run_id] if spark else []
    if spark and security:
        words += ["--SECURITY_CONFIGURATION", security]
    for name, value in given.items():
        if name in _CONSUMED or (spark and name in _OWN):
            continue
        words += [name, value]
    return words


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _uris(name: str, given: Mapping[str, str], ends: tuple[str, ...]) -> tuple[str, ...]:
    found = _words(given.get(name, ""))
    for one in found:
        if not one.startswith(("s3://", "s3a://", "s3n://")) or one.endswith("/"):
            raise InvalidInputException(f"{name}: {one!r} is not the S3 URI of one file")
        if ends and not one.endswith(ends):
            raise InvalidInputException(f"{name}: {one!r} does not end with one of {', '.join(ends)}")
    return tuple(one.replace("s3a://", "s3://", 1).replace("s3n://", "s3://", 1) for one in found)


def _modules(text: str) -> tuple[str, ...]:
    # A comma parts two modules, and two bounds of one: "a>=1,<2" goes on where a bound begins.
    found: list[str] = []
    for word in _words(text):
        if found and word[0] in "<>=!~":
            found[-1] += f",{word}"
        else:
            found.append(word)
    for one in found:
        wheel = one.startswith("s3://") and one.endswith((".whl", ".tar.gz", ".zip"))
        if not wheel and _MODULE.fullmatch(one) is None:
            raise InvalidInputException(
                f"--additional-python-modules: {one!r} is neither a package with an optional version (pandas==2.2.3) "
                "nor the S3 URI of a wheel"
            )
    return tuple(found)


def _options(text: str) -> tuple[str, ...]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInputException(f"--python-modules-installer-option cannot be read: {error}") from None
    lines: list[str] = []
    for word in words:
        if word in _HERE_ALREADY:
            continue
        if word.startswith("-"):
            if word.split("=", 1)[0] not in _OPTIONS:
                raise InvalidInputException(
                    f"--python-modules-installer-option: {word!r} is not served; these are: {', '.join(_OPTIONS)}"
                )
            lines.append(word)
        elif lines:
            lines[-1] += f" {word}"
        else:
            raise InvalidInputException(f"--python-modules-installer-option: {word!r} is no option of pip")
    return tuple(lines)


def _conf(text: str) -> dict[str, str]:
    """`a=1 --conf b=2`, as several are written on AWS."""
    found: dict[str, str] = {}
    for one in re.split(r"(?:^|\s)--conf(?:\s+|=)", text):
        if not one.strip():
            continue
        name, equals, value = one.strip().partition("=")
        if not equals or not name or " " in name:
            raise InvalidInputException(f"--conf: {one.strip()!r} is not written name=value")
        found[name.strip()] = value.strip()
    return found


def _variables(text: str) -> dict[str, str]:
    """`CUSTOMER_A=1,CUSTOMER_B="two"`."""
    found: dict[str, str] = {}
    for one in _words(text):
        name, equals, value = one.partition("=")
        if not equals or not name.startswith("CUSTOMER_"):
            raise InvalidInputException(
                f"--customer-driver-env-vars: {one!r} is not written CUSTOMER_NAME=value, as each variable must be"
            )
        found[name] = value.strip().strip("\"'")
    return found
