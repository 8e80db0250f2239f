"""Environments with the packages of a requirements.txt: made once, whole or not at all, and kept within bounds."""

import io
import math
import os
import subprocess
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clary.jobs import environments, pip, pythons
from clary.jobs.environments import Wanted
from clary.kernel.resource import Doc
from tests.sagemaker_house import SKLEARN, House, training_request

OUTPUT = "/aws/sagemaker/TrainingJobs"


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(pip, "settings", lambda: pip.Settings({"find-links": str(tmp_path)}))
    made = House(tmp_path)
    yield made
    made.close()


def archive(**files: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_txt", ".txt").replace("_py", ".py"))
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return made.getvalue()


async def train(house: House, name: str = "job", **given: str) -> None:
    house.objects.write("lake", "source.tar.gz", archive(train_py="pass", requirements_txt="one==1\ntwo\n"))
    script = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://lake/source.tar.gz"'}
    algorithm = {"TrainingImage": SKLEARN, "TrainingInputMode": "File"}
    request = training_request(name, AlgorithmSpecification=algorithm, HyperParameters=script | given)
    request.pop("InputDataConfig")
    await house.call("CreateTrainingJob", **request)


async def status(house: House, name: str = "job") -> Doc:
    return await house.call("DescribeTrainingJob", TrainingJobName=name)


def makers(house: House) -> list[str]:
    return [uid for uid in house.runner.starts() if uid.startswith("packages-")]


def succeed(house: House, uid: str) -> None:
    """As pip and its program do."""
    place = house.runner.root(uid) / "environment"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").touch()
    house.runner.say(uid, "Successfully installed one-1\n")
    house.runner.end(uid, 0)


def kept(house: House) -> list[str]:
    root = house.engines.environments
    return sorted(one.name for one in root.iterdir() if one.name != "uses" and not one.name.startswith("base-"))


async def test_packages_are_installed_once_and_then_seen_by_everybody(house: House) -> None:
    await train(house, "a")
    await train(house, "b")
    await house.run(1.0)
    (maker,) = makers(house)
    assert (await status(house, "a"))["SecondaryStatus"] == "Downloading"
    house.runner.say(maker, "Collecting one\n")
    await house.run(1.0)
    assert "Collecting one" in house.lines(OUTPUT)
    assert kept(house) == []
    succeed(house, maker)
    await house.run(1.0)
    assert kept(house) == [maker.removeprefix("packages-")]
    assert maker not in await house.runner.uids()
    assert "Successfully installed one-1" in house.lines(OUTPUT)
    assert [(await status(house, name))["SecondaryStatus"] for name in "ab"] == ["Training", "Training"]
    await train(house, "c")
    await house.run(1.0)
    assert (await status(house, "c"))["SecondaryStatus"] == "Training"
    assert makers(house) == [maker]


async def test_what_pip_says_is_the_reason_and_the_next_job_tries_again(house: House) -> None:
    await train(house)
    await house.run(1.0)
    (maker,) = makers(house)
    output = house.runner.root(maker) / "output"
    output.mkdir()
    (output / "failure").write_text("ClientError: the packages of requirements.txt: No matching distribution for one")
    house.runner.end(maker, 1)
    await house.run(1.0)
    said = await status(house)
    assert said["TrainingJobStatus"] == "Failed"
    assert said["FailureReason"].startswith("ClientError: the packages of requirements.txt: No matching")
    assert kept(house) == []
    await train(house, "again")
    await house.run(1.0)
    assert len(makers(house)) == 2


@pytest.mark.parametrize("half", [False, True])
async def test_an_installation_that_is_killed_is_begun_anew(house: House, half: bool) -> None:
    await train(house)
    await house.run(1.0)
    (maker,) = makers(house)
    if half:
        (house.runner.root(maker) / "environment").mkdir()
    house.runner.lose(maker)
    await house.run(2.0)
    assert makers(house) == [maker, maker]
    assert kept(house) == []
    succeed(house, maker)
    await house.run(1.0)
    assert (await status(house))["SecondaryStatus"] == "Training"


async def test_one_that_never_ends_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "LONGEST_SECONDS", 3.0)
    await train(house)
    await house.run(1.0)
    assert (await status(house))["TrainingJobStatus"] == "InProgress"
    await house.run(4.0)
    assert "were not installed within 3 s" in (await status(house))["FailureReason"]
    assert await house.runner.uids() == []


async def test_a_crash_after_it_was_kept_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await train(house)
    await house.run(1.0)
    (maker,) = makers(house)
    succeed(house, maker)

    async def crash(uid: str) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(house.runner, "remove", crash)
        await house.run(0.5)
    assert len(kept(house)) == 1
    await house.run(60.0)
    assert (await status(house))["SecondaryStatus"] == "Training"


async def test_the_least_recently_used_go_first_and_none_below_a_run(house: House, tmp_path: Path) -> None:
    root = house.engines.environments
    for number, name in enumerate("abcd"):
        (root / name / "bin").mkdir(parents=True)
        environments._use(root, name, f"run-{name}")
        os.utime(root / "uses" / name, (number, number))
    await house.runner.start("run-a", environments.Work(command=("true",)))
    await environments.tidy(house.runner, root, math.inf, kept=1)
    assert kept(house) == ["a", "d"]
    await house.runner.remove("run-a")
    await environments.tidy(house.runner, root, math.inf, kept=0)
    assert kept(house) == []


def test_equal_requirements_are_one_environment_unless_they_name_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.tar.gz", tmp_path / "b.tar.gz"
    first.write_bytes(b"1")
    second.write_bytes(b"2")

    def keys(text: bytes) -> int:
        return len({Wanted(text, "requirements.txt", path).key() for path in (first, second)})

    plain = b"one==1.0  # why\ntwo[extra]>=2,<3; python_version > '3'\n\n--extra-index-url https://x/y\nthree ~= 1.1\n"
    assert keys(plain) == 1
    for text in (
        b"./one.whl",
        b"-r other.txt",
        b"-e .",
        b"one @ file:///x",
        b"-c limits.txt",
        b"--find-links ./wheels",
    ):
        assert keys(text) == 2, text
    assert Wanted(b"one", "r", first).key() != Wanted(b"two", "r", first).key()


def test_the_base_is_a_python_with_all_packages_of_clarys(tmp_path: Path) -> None:
    place = pythons.base(tmp_path)
    assert pythons.base(tmp_path) == place
    assert [one.name for one in tmp_path.iterdir()] == [place.name]
    code = "import sys, numpy, clary; print(sys.prefix)"
    said = subprocess.run(
        [pythons.executable(place), "-c", code],
        env={"PYTHONUSERBASE": str(tmp_path / "own")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == str(place)
    own = tmp_path / "own" / "lib" / f"python{pythons._VERSION}" / "site-packages"
    own.mkdir(parents=True)
    (own / "numpy.py").write_text("raise SystemExit('mine')")
    said = subprocess.run(
        [pythons.executable(place), "-c", "import numpy"],
        env={"PYTHONUSERBASE": str(tmp_path / "own")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stderr.strip() == "mine", "what a run installs itself comes first"


def test_pip_is_told_what_the_machine_tells_it(tmp_path: Path) -> None:
    told = (
        f"global.index-url='https://user:secret@mirror/simple'\nglobal.find-links='{tmp_path} https://x/y'\n"
        ":env:.timeout='9'\ninstall.retries='1'\nglobal.timeout='3'\nglobal.quiet='1'\nnonsense\n"
        "global.proxy=no literal\n"
    )
    made = pip.Settings(pip.read(told))
    assert made.variables(secrets=True) == {
        "PIP_FIND_LINKS": f"{tmp_path} https://x/y",
        "PIP_INDEX_URL": "https://user:secret@mirror/simple",
        "PIP_RETRIES": "1",
        "PIP_TIMEOUT": "9",
    }
    assert "PIP_INDEX_URL" not in made.variables(secrets=False)
    assert made.directories() == (tmp_path,)
    (tmp_path / "mirror/simple").mkdir(parents=True)
    mirror = pip.Settings({"index-url": f"file://{tmp_path}/mirror/simple"})
    assert mirror.directories() == (tmp_path / "mirror",), "a mirror's files stand beside its pages"


async def test_a_source_that_cannot_be_read_fails_the_job_in_words(house: House) -> None:
    await train(house, sagemaker_submit_directory='"s3://lake/missing.tar.gz"')
    await house.run(1.0)
    assert "missing.tar.gz is not there" in (await status(house))["FailureReason"]
    house.objects.write("lake", "no.tar.gz", b"no archive")
    await train(house, "second", sagemaker_submit_directory='"s3://lake/no.tar.gz"')
    await house.run(1.0)
    assert "is not a readable .tar.gz" in (await status(house, "second"))["FailureReason"]


def test_one_file_of_an_archive(tmp_path: Path) -> None:
    from clary.engines.runners.base import StartError
    from clary.engines.runners.unpack import member

    path = tmp_path / "x.tar.gz"
    path.write_bytes(archive(code__requirements_txt="one\n", a_txt="x" * 100))
    assert member(path, "code/requirements.txt", 100) == b"one\n"
    assert member(path, "./a.txt", 10) == b"x" * 10
    assert member(path, "code", 10) is None
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StartError, match="not a readable"):
        member(path, "a.txt", 10)
