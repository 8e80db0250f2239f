"""Commits that start pipelines: a Git hook tells of each commit, and a rule hears it.

The event has the shape of AWS CodeCommit's "CodeCommit Repository State Change". Nobody but AWS itself may say
`aws.codecommit`, so its source is SOURCE; the rule hears both.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from clary.cli import environment
from clary.cli.say import fail, out

SOURCE: Final = "git"
DETAIL_TYPE: Final = "CodeCommit Repository State Change"
_BEGIN: Final = "# >>> clary pipeline hook"
_END: Final = "# <<< clary pipeline hook"
_ROLE: Final = "ClaryPipelineHooks"
_NONE: Final = "0" * 40


def trigger(home: Path | None, repository: str, branch: str, commit: str, old: str | None) -> None:
    """The bus knows of the commit."""
    events = _client(home, "events")
    account, region = _place(home, events)
    detail = {
        "event": "referenceUpdated" if old and old != _NONE else "referenceCreated",
        "repositoryName": repository,
        "repositoryId": repository,
        "referenceType": "branch",
        "referenceName": branch,
        "referenceFullName": f"refs/heads/{branch}",
        "commitId": commit,
        **({"oldCommitId": old} if old and old != _NONE else {}),
    }
    entry = {
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Detail": json.dumps(detail),
        "Resources": [f"arn:aws:codecommit:{region}:{account}:{repository}"],
    }
    answer = events.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        fail(answer["Entries"][0]["ErrorMessage"])
    out.print(f"told of {commit[:12]} on {branch} of {repository}", markup=False)


def install(
    home: Path | None, directory: Path, pipeline: str, branch: str, parameters: list[str], role: str | None
) -> None:
    """Every commit to that branch of the repository starts the pipeline."""
    hooks, bare = _hooks(directory)
    listed = [_parameter(one) for one in parameters]
    sagemaker = _client(home, "sagemaker")
    try:
        arn = sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineArn"]
    except sagemaker.exceptions.ResourceNotFound as error:
        fail(error.response["Error"]["Message"], "create the pipeline first")
    repository = _name(directory)
    pattern = {
        "source": ["aws.codecommit", SOURCE],
        "detail-type": [DETAIL_TYPE],
        "detail": {"repositoryName": [repository], "referenceType": ["branch"], "referenceName": [branch]},
    }
    events = _client(home, "events")
    rule = _rule(repository, pipeline)
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern), Description=f"Commits to {branch} start {pipeline}")
    target: dict[str, Any] = {"Id": "pipeline", "Arn": arn, "RoleArn": role or _role(home)}
    if listed:
        target["SageMakerPipelineParameters"] = {"PipelineParameterList": listed}
    events.put_targets(Rule=rule, Targets=[target])
    for name in ("post-receive",) if bare else ("post-commit", "post-merge"):
        _write(hooks / name, _script(home, repository, bare))
    out.print(f"commits to {branch} of {repository} start {pipeline} (rule {rule})", markup=False)


def remove(home: Path | None, directory: Path, pipeline: str) -> None:
    """Commits do not start the pipeline any more; without another pipeline, the hooks are gone, too."""
    hooks, _ = _hooks(directory)
    events = _client(home, "events")
    repository = _name(directory)
    rule = _rule(repository, pipeline)
    try:
        events.remove_targets(Rule=rule, Ids=["pipeline"])
    except events.exceptions.ResourceNotFoundException:
        fail(f"no hook of {repository} starts {pipeline}")
    events.delete_rule(Name=rule)
    if not events.list_rules(NamePrefix=_rule(repository, ""))["Rules"]:
        for name in ("post-receive", "post-commit", "post-merge"):
            _erase(hooks / name)
    out.print(f"commits to {repository} do not start {pipeline} any more", markup=False)


def _script(home: Path | None, repository: str, bare: bool) -> str:
    """What a hook does. A commit never fails because nobody hears of it."""
    at = [] if home is None else ["--home", str(home.expanduser().absolute())]
    words = [sys.executable, "-m", "clary", "pipeline", "trigger", *at, "--repository", repository]
    command = shlex.join(words)
    if bare:
        return (
            'while read old new ref; do case "$ref" in refs/heads/*) '
            f'{command} --branch "${{ref#refs/heads/}}" --commit "$new" --old "$old" >/dev/null 2>&1 || true;; '
            "esac; done"
        )
    return (
        f'{command} --branch "$(git symbolic-ref --short HEAD)" --commit "$(git rev-parse HEAD)" '
        '--old "$(git rev-parse --verify --quiet HEAD~1 || true)" >/dev/null 2>&1 || true'
    )


def _write(path: Path, script: str) -> None:
    """The hook runs the script, beside what it ran before."""
    said = path.read_text() if path.exists() else "#!/bin/sh\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{_without(said).rstrip()}\n{_BEGIN}\n{script}\n{_END}\n")
    path.chmod(path.stat().st_mode | 0o755)


def _erase(path: Path) -> None:
    if not path.exists() or _BEGIN not in path.read_text():
        return
    left = _without(path.read_text())
    if left.strip() in ("", "#!/bin/sh"):
        path.unlink()
    else:
        path.write_text(left)


def _without(text: str) -> str:
    """The hook but for what is ours."""
    before, found, rest = text.partition(_BEGIN)
    return before + rest.partition(_END)[2].lstrip("\n") if found else text


def _hooks(directory: Path) -> tuple[Path, bool]:
    """(where the hooks of the repository are, it is a bare one)."""
    said = _git(directory, "rev-parse", "--is-bare-repository", "--git-path", "hooks").splitlines()
    return directory / said[1], said[0] == "true"


def _name(directory: Path) -> str:
    return directory.resolve().name.removesuffix(".git")


def _git(directory: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(directory), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        fail("git is not installed", "install it")
    if done.returncode:
        fail(f"{directory} is no Git repository", f"make it one: git init {directory}")
    return done.stdout.strip()


def _parameter(text: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(f"{text!r} is no parameter", "write it as: -p NAME=VALUE, for example -p Commit=$.detail.commitId", code=2)
    return {"Name": name, "Value": value}


def _rule(repository: str, pipeline: str) -> str:
    return re.sub(r"[^.\w-]", "-", f"commits-{repository}-{pipeline}", flags=re.ASCII)[:64]


def _role(home: Path | None) -> str:
    """A role as which EventBridge may start pipelines, and do nothing else."""
    iam = _client(home, "iam")
    try:
        return str(iam.get_role(RoleName=_ROLE)["Role"]["Arn"])
    except iam.exceptions.NoSuchEntityException:
        principal = {"Service": "events.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        made = iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=_policy(trust))
    allowed = {"Effect": "Allow", "Action": "sagemaker:StartPipelineExecution", "Resource": "*"}
    iam.put_role_policy(RoleName=_ROLE, PolicyName="start-pipelines", PolicyDocument=_policy(allowed))
    return str(made["Role"]["Arn"])


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _place(home: Path | None, client: Any) -> tuple[str, str]:
    """(account, region)."""
    account = _client(home, "sts").get_caller_identity()["Account"]
    return account, client.meta.region_name


def _client(home: Path | None, service: str) -> Any:
    config, found, runs = environment.of(home)
    if not runs:
        _not_running(config.home)
    return environment.client(service, found)


def _not_running(home: Path) -> NoReturn:
    from clary.program import program

    fail(f"no Clary runs on {home}", f"start it with: {program()} up --detach")
