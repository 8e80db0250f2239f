"""Pipelines written in plain Python: the definition that they emit, and what they do in one process."""

import ast
import json
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from clary.pipeline import (
    NeedsServer,
    Options,
    Parameter,
    Pipeline,
    Retry,
    condition,
    endpoint,
    execution,
    fail,
    join,
    model,
    register,
    step,
    transform,
    tuning,
    xgboost,
)
from clary.pipeline.language.parse import parse
from clary.pipeline.language.problems import Refused, Unresolved
from clary.services.sagemaker.pipelines.plans import check
from tests.pipeline import abalone
from tests.pipeline.snails import snails

Doc = dict[str, Any]


@step
def count(start: int, word: str = "a", loud: bool = False, rate: float = 0.5) -> dict:
    return {"n": start + 1, "said": word.upper() if loud else word, "rate": rate, "list": [1, {"deep": start}]}


@step(outputs=["made"])
def write(text: str, made: Path) -> None:
    (made / "a.txt").write_text(text)
    (made / "sub").mkdir()
    (made / "sub" / "b.txt").write_text(text * 2)


@step
def read(place: Path, told: dict, n: int) -> list:
    return [sorted(str(one.relative_to(place)) for one in place.rglob("*.txt")), told["said"], n]


@step
def double(n: int, words: list[str]) -> int:
    return 2 * n + len(words)


@step
def one_file(place: Path) -> str:
    return place.read_text()


def test_values_and_files_travel_from_step_to_step(tmp_path: Path) -> None:
    start = Parameter("Start", 3)
    counted = count(start=start, word="hi there = x", loud=True, rate=1e-3)
    wrote = write(text=join("<", execution("PipelineName"), ">"))
    last = read(place=wrote.outputs["made"], told=counted.result, n=counted.result["list"][1]["deep"])
    made = Pipeline("values", [last])
    outcome = made.run_inline({"Start": 7}, directory=tmp_path)
    assert outcome.status == "Succeeded"
    counted_result = {"n": 8, "said": "HI THERE = X", "rate": 0.001, "list": [1, {"deep": 7}]}
    assert outcome.results == {"count": counted_result, "read": [["a.txt", "sub/b.txt"], "HI THERE = X", 7]}
    stored = tmp_path / "s3/inline/values/inline"
    assert (stored / "write/made/a.txt").read_text() == "<values>"
    assert json.loads((stored / "count/result/result.json").read_text()) == counted_result
    assert made.run_inline(directory=tmp_path).results["read"][2] == 3


def test_a_result_that_is_no_object_travels_too() -> None:
    first = double(n=1, words=["a", "b"])
    gate = condition("gate", first.result >= 4, then=[double.named("second")(n=first.result, words=[])])
    outcome = Pipeline("scalars", [gate]).run_inline()
    assert outcome.results == {"double": 4, "gate": True, "second": 8}
    stored = outcome.directory / "s3/inline/scalars/inline/double/result/result.json"
    assert json.loads(stored.read_text()) == {"value": 4}
    paths = [first.result, count(start=1).result["a"]["b c"][0]["it's"]]
    said = [one.expression()["Std:JsonGet"]["Path"] for one in paths]
    assert said == ["value", """a['b c'][0]["it's"]"""]


def test_a_parameter_may_be_a_path_and_an_s3_uri_may_stand_for_one(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("hello")
    made = Pipeline("files", [one_file(place=Parameter("Data", str))])
    assert made.run_inline({"Data": str(tmp_path / "words.txt")}).results == {"one-file": "hello"}
    stands_for = {"s3://lake/words.txt": tmp_path / "words.txt"}
    assert made.run_inline({"Data": "s3://lake/words.txt"}, files=stands_for).results == {"one-file": "hello"}
    with pytest.raises(FileNotFoundError, match=r"the step one-file reads .*, where nothing is"):
        made.run_inline({"Data": "s3://lake/none.txt"})


def branches(*conditions: Any) -> Pipeline:
    yes, no = count.named("yes")(start=1), count.named("no")(start=2)
    after = one_file.named("after-no")(place=join("s3://x/", no.result["n"]))
    return Pipeline("branches", [condition("gate", *conditions, then=[yes], otherwise=[no]), after])


def test_conditions_are_joined_as_python_joins_them() -> None:
    n, word = Parameter("N", 5), Parameter("Word", "b", choices=["a", "b"])
    for made, held in (
        ((n > 4) & (n < 6), True),
        ((n >= 6) | word.equals("b"), True),
        (~(n <= 5), False),
        (~word.is_in(["x", "a"]), True),
        (n.equals(5) & word.equals("a"), False),
    ):
        outcome = branches(made).run_inline(files={"s3://x/3": __file__})
        assert outcome.results["gate"] is held
        assert outcome.steps == (["gate", "yes"] if held else ["gate", "no", "after-no"])


def test_a_fail_step_ends_the_execution_with_its_message() -> None:
    counted = count(start=1)
    bad = fail("bad", join("only ", counted.result["n"], " rows"))
    gate = condition("gate", counted.result["n"] > 10, otherwise=[bad])
    last = write.named("last", after=[bad])(text="never")
    outcome = Pipeline("ends", [gate, last]).run_inline()
    assert (outcome.status, outcome.reason, outcome.steps) == ("Failed", "only 2 rows", ["count", "gate", "bad"])


def test_a_comparison_of_what_cannot_be_compared_is_told_with_both_values() -> None:
    with pytest.raises(Unresolved, match="LessThan cannot compare string 'a' with number 3"):
        Pipeline("words", [condition("gate", count(start=1).result["said"] < 3)]).run_inline()


def test_what_a_function_raises_is_raised_here() -> None:
    with pytest.raises(UnicodeDecodeError):
        made = Pipeline("raises", [one_file(place=Parameter("Data", str))])
        made.run_inline({"Data": sys.executable})


def test_a_step_for_a_server_says_so_unless_something_stands_in_for_it() -> None:
    with pytest.raises(NeedsServer, match="the step train of type Training runs on a server"):
        Pipeline("train", [xgboost("train", "s3://b/x")]).run_inline(files={"s3://b/x": __file__})


def test_abalone_in_one_process_meets_its_gate_or_not(tmp_path: Path) -> None:
    import numpy

    (tmp_path / "abalone.csv").write_text(snails(120))

    class Mean:
        """A model that answers for all what it saw on average."""

    def train(job: Any) -> None:
        rows = numpy.loadtxt(job.inputs["train"] / "rows.csv", delimiter=",")
        assert job.arguments["HyperParameters"]["num_round"] == "50"
        (job.output / "xgboost-model").write_bytes(pickle.dumps(float(rows[:, 0].mean())))

    def judged(limit: float) -> Any:
        stand_ins = {"train": train, "register": lambda job: {"ModelPackageArn": "arn"}}
        given = {"Data": str(tmp_path / "abalone.csv"), "MaxError": limit}
        return pipeline().run_inline(given, stand_ins=stand_ins, directory=tmp_path / "run")

    @step(name="evaluate")
    def evaluate_mean(model: Path, test: Path) -> dict:
        with tarfile.open(model) as archive:
            file = archive.extractfile("xgboost-model")
            assert file is not None
            mean = pickle.load(file)
        rows = numpy.loadtxt(test / "rows.csv", delimiter=",")
        return {"mse": numpy.float32(((rows[:, 0] - mean) ** 2).mean())}

    def pipeline() -> Pipeline:
        evaluated = evaluate_mean(model=abalone.train.model, test=abalone.split.outputs["test"])
        gate = condition(
            "good-enough",
            evaluated.result["mse"] <= abalone.limit,
            then=[register("register", "abalone", abalone.train.model, metrics=evaluated.result)],
            otherwise=[fail("too-bad", "the error is too large")],
        )
        return Pipeline("abalone", [gate], bucket="lake")

    good, bad = judged(100.0), judged(0.01)
    assert good.steps == ["prepare", "train", "evaluate", "good-enough", "register"]
    assert good.results["prepare"] == 120
    assert (bad.status, bad.reason) == ("Failed", "the error is too large")
    assert bad.steps[-1] == "too-bad"


def everything() -> Pipeline:
    data = Parameter("Data", "s3://lake/x.csv")
    counted = count.named(
        "counted",
        cache="P30D",
        retries=[Retry(["SageMaker.JOB_INTERNAL_ERROR"], attempts=2)],
        display_name="Count",
        description="counts",
    )(start=1)
    trained = xgboost("train", data, data, num_round=Parameter("Rounds", 5), eta=0.2, verbose=True)
    tuned = tuning("tune", trained, "validation:rmse", ranges={"eta": (0.1, 0.5), "max_depth": (2, 6)}, jobs=2)
    best = model("best", tuned.model)
    scored = transform("score", best.model_name, data, options=Options(after=[counted]))
    served = endpoint("serve", best.model_name, "abalone")
    version = register("version", "abalone", trained.model, description="x")
    gate = condition("gate", counted.result["n"] > 1, then=[served, version], otherwise=[fail("no", "no")])
    return Pipeline("everything", [gate, scored])


def test_every_builder_makes_what_create_pipeline_accepts() -> None:
    made = everything()
    plan = check(made.definition())
    definition = plan.definition
    assert list(definition.parameters) == ["Bucket", "Role", "Data", "Rounds"]
    assert [(one.name, one.type, one.branch) for one in definition.steps.values()] == [
        ("counted", "Processing", None),
        ("tune", "Tuning", None),
        ("best", "Model", None),
        ("train", "Training", None),
        ("gate", "Condition", None),
        ("serve-config", "EndpointConfig", "IfSteps"),
        ("serve", "Endpoint", "IfSteps"),
        ("version", "RegisterModel", "IfSteps"),
        ("no", "Fail", "ElseSteps"),
        ("score", "Transform", None),
    ]
    counted = definition.steps["counted"]
    assert counted.cache is not None and counted.cache.expire_after == 30 * 86400
    assert (counted.retries[0].attempts, counted.display_name) == (2, "Count")
    assert definition.steps["score"].depends_on == ("counted",)
    tuned = definition.steps["tune"].arguments
    assert tuned["TrainingJobDefinition"]["StaticHyperParameters"].keys() == {"num_round", "verbose"}
    ranges = tuned["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert ranges["IntegerParameterRanges"] == [{"Name": "max_depth", "MinValue": "2", "MaxValue": "6"}]


def test_a_version_has_properties_that_may_be_what_other_steps_made() -> None:
    made = write(text="x")
    page = join(made.outputs["made"], "page.json", on="/")
    version = register("version", "g", "s3://lake/m.tar.gz", properties={"clary:page": page, "by": "ada"})
    (_, registered) = json.loads(Pipeline("p", [version], bucket="lake").definition("role"))["Steps"]
    place = {"Get": "Steps.write.ProcessingOutputConfig.Outputs['made'].S3Output.S3Uri"}
    assert registered["Arguments"]["CustomerMetadataProperties"] == {
        "clary:page": {"Std:Join": {"On": "/", "Values": [place, "page.json"]}},
        "by": "ada",
    }


def test_the_example_is_a_definition_that_create_pipeline_accepts_and_is_the_same_each_time() -> None:
    text = abalone.pipeline.definition()
    assert text == abalone.pipeline.definition()
    steps = check(text).definition.steps
    assert list(steps) == ["prepare", "train", "evaluate", "good-enough", "register", "too-bad"]
    assert "arn:aws:iam::123456789012:role/r" in abalone.pipeline.definition("arn:aws:iam::123456789012:role/r")
    assert parse(text).parameters["MaxError"].default == 6.0


PROJECT = """
from pathlib import Path
from clary.pipeline import Parameter, Pipeline, step
from words import GREETING

@step(outputs=["made"], include=["words.py", "data"])
def greet(name: str, loud: bool, more: Path, made: Path) -> str:
    (made / "seen.txt").write_text((Path(__file__).parent / "data/x.txt").read_text() + more.read_text())
    return GREETING + (name.upper() if loud else name)

greeted = greet(name=Parameter("Name", "ada = b"), loud=True, more="s3://lake/more.txt")
pipeline = Pipeline("greeting", [greeted], bucket="lake")
if UNGUARDED: pipeline.upsert(None, "role")
"""


def uploaded(folder: Path, unguarded: bool) -> Path:
    """The code of the step of PROJECT as it stands in a job."""
    project = folder / "project"
    (project / "data").mkdir(parents=True)
    (project / "data/x.txt").write_text("x")
    (project / "words.py").write_text("GREETING = 'hello '\n")
    (project / "greeting.py").write_text(PROJECT.replace("UNGUARDED", "__name__ != 'author'" if unguarded else "False"))
    write_code = (
        "import sys, importlib.util; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "spec = importlib.util.spec_from_file_location('author', sys.argv[1] + '/greeting.py')\n"
        "author = sys.modules['author'] = importlib.util.module_from_spec(spec); spec.loader.exec_module(author)\n"
        "from clary.pipeline.nodes import Setting\n"
        "code = author.greeted.code(Setting('greeting', 'role', 'lake'))\n"
        "assert code.key.startswith('greeting/code/')\n"
        "for name, content in code.files.items():\n"
        "    file = Path(sys.argv[2], name)\n"
        "    file.parent.mkdir(parents=True, exist_ok=True)\n"
        "    file.write_bytes(content)\n"
    )
    subprocess.run([sys.executable, "-c", write_code, str(project), str(folder / "code")], check=True)
    return folder / "code"


@pytest.mark.parametrize("unguarded", [False, True])
def test_the_code_of_a_step_runs_where_no_clary_is(tmp_path: Path, unguarded: bool) -> None:
    code = uploaded(tmp_path, unguarded)
    assert {one.name for one in code.iterdir()} == {"greeting.py", "run_step.py", "clary.zip", "words.py", "data"}
    (tmp_path / "root/input/more").mkdir(parents=True)
    (tmp_path / "root/input/more/more.txt").write_text("y")
    words = ["greeting.py", "greet", "--value=name=ada = b", "--value=loud=true", "--file=more", "--output=made"]
    start = "import run_step, sys, pathlib; run_step.main(sys.argv[2:], pathlib.Path(sys.argv[1]))"
    # -S: without any installed package, Clary among them.
    line = [sys.executable, "-S", "-c", start, str(tmp_path / "root"), *words, "--returns"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=code)
    if unguarded:
        assert 'put what starts pipelines below `if __name__ == "__main__":`' in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "root/output/result/result.json").read_text()) == {"value": "hello ADA = B"}
    assert (tmp_path / "root/output/made/seen.txt").read_text() == "xy"
    (tmp_path / "root/input/more/more.txt").write_bytes(b"\xff")
    failed = subprocess.run(line, capture_output=True, text=True, cwd=code)
    assert failed.returncode == 1
    assert "UnicodeDecodeError" in failed.stderr.splitlines()[-1]
    assert "run_step.py" not in failed.stderr


def test_the_page_shows_the_example_as_it_is() -> None:
    page = Path(__file__).parents[2] / "docs/pipeline-authoring.md"
    assert Path(abalone.__file__).read_text() in page.read_text()


def test_two_steps_of_one_name_are_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="the name count is taken by"):
        Pipeline("twice", [count(start=1), count(start=2)]).definition()


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: bool(Parameter("N", 1) > 2), "a condition is not known yet"),
        (lambda: bool(Parameter("N", 1)), "a value of an execution is not known yet"),
        (lambda: list(count(start=1).result), "a result is not known yet"),
        (lambda: write(text="x").result, "returns nothing"),
        (lambda: count(start=1, stop=2), "stop"),
        (lambda: count(), "start"),
        (lambda: Parameter("N", [1]), "must be of type str, int, float or bool"),
        (lambda: step(lambda x: x), "must be annotated with one of"),
        (lambda: step(outputs=["nope"])(count.function), "the output nope must be a parameter nope: Path"),
        (lambda: count(start=write(text="a")), "give start the step's result or one of its outputs"),
        (lambda: count(start="1"), "start must be int, not '1'"),
        (lambda: count(start=True), "start must be int, not True"),
        (lambda: one_file(place=Path("x")), "place must be an S3 URI as text, not"),
    ],
)
def test_mistakes_are_told_where_they_are_made(mistake: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        mistake()


def test_an_unknown_variable_of_the_execution_is_refused() -> None:
    with pytest.raises(ValueError, match="an execution has no variable 'Name'"):
        execution("Name")


def test_nothing_but_the_standard_library_is_imported() -> None:
    code = (
        "import sys; before = set(sys.modules); import tests.pipeline.abalone, clary.pipeline.inline;"
        "print({one.partition('.')[0] for one in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root).stdout
    assert ast.literal_eval(said) <= {"clary", "tests"}


def test_who_needs_the_language_alone_does_not_pay_for_the_rest() -> None:
    code = "import sys, clary.pipeline.language.parse; print('clary.pipeline.functions' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
