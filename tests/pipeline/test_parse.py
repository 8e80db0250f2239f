"""Definitions, read: what is right parses, and of what is wrong everything is told at once, with its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clary.pipeline.language import graph
from clary.pipeline.language.definition import Definition, Retry
from clary.pipeline.language.parse import parse
from clary.pipeline.language.policies import seconds
from clary.pipeline.language.problems import Problem, Refused

Doc = dict[str, Any]
FIXTURES = Path(__file__).parent / "definitions"


def step(name: str, kind: str = "Processing", **members: Any) -> Doc:
    return {"Name": name, "Type": kind, "Arguments": {}, **members}


def document(*steps: Doc, **members: Any) -> Doc:
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": list(steps), **members}


def condition(name: str, left: Any = 1, then: list[Doc] | None = None, otherwise: list[Doc] | None = None) -> Doc:
    compared = {"Type": "LessThan", "LeftValue": left, "RightValue": 2}
    branches = {"IfSteps": then or [], "ElseSteps": otherwise or []}
    return step(name, "Condition", Arguments={"Conditions": [compared], **branches})


def get(what: str) -> Doc:
    return {"Get": what}


def problems(given: Any, **more: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        parse(given, **more)
    assert str(caught.value) == "; ".join(map(str, caught.value.problems))
    return [f"{one.path}: {one.message}" for one in caught.value.problems]


def problem(given: Any, **more: Any) -> str:
    (one,) = problems(given, **more)
    return one


def test_everything_that_a_step_may_say_is_read() -> None:
    made = parse(
        document(
            step(
                "prepare",
                Arguments={"ProcessingOutputConfig": {"Outputs": [{"OutputName": "out"}]}},
                PropertyFiles=[{"PropertyFileName": "report", "OutputName": "out", "FilePath": "a/b.json"}],
                CacheConfig={"Enabled": True, "ExpireAfter": "PT90M"},
                RetryPolicies=[
                    {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 7},
                    {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "ExpireAfterMin": 10},
                    {"ExceptionType": ["Step.SERVICE_FAULT"]},
                ],
                DisplayName="Prepare",
                Description=None,
            ),
            step("ask", "Callback", SqsQueueUrl="http://q", OutputParameters=[], DependsOn=[{"Step": "prepare"}]),
            condition("gate", then=[step("no", "Fail")], otherwise=[condition("second", then=[step("deep")])]),
            Parameters=[
                {"Name": "Rate", "Type": "Float", "DefaultValue": 1},
                {"Name": "Kind", "Type": "String", "DefaultValue": "a", "EnumValues": ["a", "b"]},
            ],
            PipelineExperimentConfig={"ExperimentName": get("Execution.PipelineName"), "TrialName": "x"},
            MlflowConfig=None,
        )
    )
    first = made.steps["prepare"]
    assert first.cache is not None and first.cache.enabled and first.cache.expire_after == 5400
    assert first.retries == (
        Retry(("Step.THROTTLING",), 3.0, 1.5, 7),
        Retry(("SageMaker.CAPACITY_ERROR",), expire_after=600.0),
        Retry(("Step.SERVICE_FAULT",), attempts=5),
    )
    assert (first.property_files[0].output, first.property_files[0].path) == ("out", "a/b.json")
    assert (first.display_name, first.description) == ("Prepare", None)
    assert made.steps["ask"].extra == {"SqsQueueUrl": "http://q", "OutputParameters": []}
    assert list(made.steps) == ["prepare", "ask", "gate", "no", "second", "deep"]
    assert made.steps["gate"].arguments.keys() == {"Conditions"}
    deep = made.steps["deep"]
    assert (deep.parent, deep.branch) == ("second", "IfSteps")
    assert deep.path == "Steps[2].Arguments.ElseSteps[0].Arguments.IfSteps[0]"
    assert made.parameters["Kind"].choices == ("a", "b")
    assert graph.needs(made) == {
        "prepare": frozenset(),
        "ask": {"prepare"},
        "gate": frozenset(),
        "no": {"gate"},
        "second": {"gate"},
        "deep": {"second"},
    }


@pytest.mark.parametrize("file", sorted(FIXTURES.glob("*.json")), ids=lambda one: one.stem)
def test_what_the_sdk_emits_is_understood(file: Path) -> None:
    made = parse(file.read_text())
    assert len(graph.order(graph.needs(made))) == len(made.steps) > 0


def test_all_problems_are_told_at_once_in_the_order_of_the_document() -> None:
    wrong = document(
        step("a", Arguments={"x": get("Parameters.Nothing"), "y": get("Steps.c.Q")}, DependOn=["b"]),
        step("b", DependsOn=["zz"], CacheConfig={"Enabled": "yes"}),
        Parameters=[{"Name": "N", "Type": "Integer", "DefaultValue": "5"}],
    )
    assert problems(wrong) == [
        "Parameters[0].DefaultValue: must be of type Integer, but is string '5'",
        "Steps[0].DependOn: DependOn is no member of this object; did you mean DependsOn?",
        "Steps[0].Arguments.x.Get: there is no parameter 'Nothing'; there are N",
        "Steps[0].Arguments.y.Get: there is no step 'c'; there are b",
        "Steps[1].CacheConfig.Enabled: must be true or false, but is a string",
        "Steps[1].DependsOn[0]: there is no step 'zz'; there are a",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "this is no JSON: "),
        ('{"Version": NaN}', "NaN is no number of JSON"),
        ('{"Version": "2020-12-01", "Version": "2020-12-01"}', "the member 'Version' stands twice"),
        ("[]", "a definition must be an object, but this is a list"),
        ("[" * 100_000, "nested"),
        ('{"a":' * 400 + "1" + "}" * 400, "nested more than 150 levels deep"),
        (document(), "Steps: is missing: a pipeline needs one step or more"),
        (document(step("a"), Version="2021-01-01"), "Version: must be \"2020-12-01\", but is '2021-01-01'"),
        (document(step("a"), Metadata=3), "Metadata: must be an object, but is a number"),
        (document(step("a"), MlflowConfig={"A": 1}), "MlflowConfig: executions are not told to an MLflow server"),
        (document(step("a"), ParallelismConfiguration={}), "give it to CreatePipeline or StartPipelineExecution"),
        (document(step("a"), Extra=1), "Extra: Extra is no member of this object"),
        (document(step("a"), PipelineExperimentConfig={"ExperimentName": 3}), "must be a string or an expression"),
        (document(step("a"), PipelineExperimentConfig={"TrialName": get("Steps.a.b")}), "in steps alone"),
        (document(3), "Steps[0]: must be an object, but is a number"),
        (document({**step("a"), "Name": "a b"}), "Steps[0].Name: 'a b' must be 1 to 64 letters"),
        (document({"Type": "Fail"}), "Steps[0].Name: is missing"),
        (document({"Name": "a"}), "Steps[0].Type: must be a string, but is null"),
        (document(step("a", Arguments=[])), "Steps[0].Arguments: must be an object, but is a list"),
        (document(step("a", Description=5)), "must be a string of at most 3072"),
        (document(step("a"), condition("c", then=[step("a")])), "the name a is taken by Steps[0]"),
        (document(step("a", SqsQueueUrl="x")), "SqsQueueUrl is no member"),
        (document(step("a", DependsOn=["a"])), "Steps[0].DependsOn[0]: a step cannot depend on itself"),
        (
            document(step("a"), step("b", DependsOn=[{"Step": "a", "Trigger": "Failed"}])),
            "Steps[1].DependsOn[0].Trigger: is string 'Failed': steps run after what they depend on has succeeded",
        ),
        (document(step("a", DependsOn="b")), "Steps[0].DependsOn: must be a list, but is a string"),
        (document(step("a", Arguments={"x": get("Steps.a.b")})), "a step cannot read its own properties"),
        (document(step("a", Arguments={"x": get("Step.b")})), "'Step.b' names nothing: write Parameters.NAME"),
        (document(step("a", Arguments={"x": get("Steps.b[")})), "'b[' is no path: '[' must be"),
        (document(step("a", Arguments={"x": {"Get": 3}})), "x.Get: must be a string, but is a number"),
        (document(step("a", Arguments={"x": get("Execution.Name")})), "no variable 'Name'"),
        (document(step("a", Arguments={"x": {"Std:Joins": {}}})), "Std:Joins is no function; did you mean Std:Join?"),
        (document(step("a", Arguments={"x": {"Std:Join": {"On": 1, "Values": []}}})), "On: must be a string"),
        (document(step("a", Arguments={"x": {"Std:Join": {}}})), "Std:Join.Values: must be a list, but is null"),
        (document(step("a", Arguments={"x": {"Std:Join": {"Values": [[1]]}}})), "Values[0]: must be text, a number"),
        (document(step("a", Arguments={"x": {"Std:JsonGet": {"Path": "a"}}})), "needs one of PropertyFile and S3Uri"),
        (
            document(step("a", Arguments={"x": {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a..b"}}})),
            "Std:JsonGet.Path: 'a..b' is no path: '..b' must be",
        ),
        (document(step("a", Arguments={"x": {"Std:JsonGet": {"S3Uri": "b", "Path": "a"}}})), "must begin with s3://"),
        (
            document(step("a"), step("b", Arguments={"x": get("Steps.a.PropertyFiles.f")})),
            "the step a has no property file 'f'; there are none",
        ),
        (
            document(
                step(
                    "a",
                    Arguments={"ProcessingOutputConfig": {"Outputs": [{"OutputName": "out"}]}},
                    PropertyFiles=[{"PropertyFileName": "f", "OutputName": "oot", "FilePath": "x"}],
                )
            ),
            "Steps[0].PropertyFiles[0].OutputName: the step has no output 'oot'; there are out",
        ),
        (document(step("a", PropertyFiles=[{"PropertyFileName": "f", "OutputName": "o"}])), "FilePath: must be"),
        (document(step("a", CacheConfig={"Enabled": True, "ExpireAfter": "1 hour"})), "is no ISO 8601 duration"),
        (document(step("a", RetryPolicies=[{"MaxAttempts": 1}])), "ExceptionType: is missing: one or more of Step."),
        (
            document(step("a", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 21}])),
            "MaxAttempts: must be a whole number from 0 to 20, but is number 21",
        ),
        (
            document(
                step(
                    "a",
                    RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2, "ExpireAfterMin": 2}],
                )
            ),
            "only one of MaxAttempts and ExpireAfterMin can be given",
        ),
        (document(step("c", "Condition", Arguments={})), "Conditions: is missing: a condition step needs one"),
        (
            document(step("c", "Condition", Arguments={"Conditions": [{"Type": "Equal"}]})),
            "Conditions[0].Type: 'Equal' is no kind of condition; did you mean Equals?",
        ),
        (
            document(step("c", "Condition", Arguments={"Conditions": [{"Type": "In", "QueryValue": 1, "Values": []}]})),
            "Conditions[0].Values: must not be empty",
        ),
        (
            document(step("c", "Condition", Arguments={"Conditions": [{"Type": "Not", "Condition": {"Type": "Or"}}]})),
            "Conditions[0].Condition.Conditions: is missing: a condition of type Or needs it",
        ),
        (document(condition("c", left={"a": 1})), "LeftValue: must be one value or an expression, but is an object"),
        (document(step("a", DependsOn=["b"]), step("b", DependsOn=["a"])), "wait for each other: a -> b -> a"),
        (
            document(condition("c", left=get("Steps.a.x"), then=[step("a")])),
            "these steps wait for each other: c -> a -> c",
        ),
        (
            document(condition("c", then=[step("a")], otherwise=[step("b", DependsOn=["a"])]), step("z")),
            "ElseSteps[0]: can never run: it needs steps of both branches of the condition c",
        ),
        (
            document(
                condition("c", then=[step("a")], otherwise=[step("b")]), step("x", DependsOn=["a", "b"]),
                step("y", DependsOn=["x"]),
            ),
            "Steps[1]: can never run",
        ),
        (document(step("a"), Parameters=[{"Name": "a b", "Type": "String"}]), "Parameters[0].Name: 'a b' must be 1"),
        (document(step("a"), Parameters=[{"Name": "a", "Type": "Int"}]), "'Int' is no type"),
        (document(step("a"), Parameters=[{"Name": "a", "Type": "Boolean", "DefaultValue": 1}]), "must be of type Bool"),
        (
            document(step("a"), Parameters=[{"Name": "a", "Type": "Integer"}, {"Name": "a", "Type": "Float"}]),
            "Parameters[1].Name: the parameter a is declared twice",
        ),
        (
            document(
                step("a"),
                Parameters=[{"Name": "a", "Type": "String", "DefaultValue": "x", "EnumValues": ["y"]}],
            ),
            "'x' is none of EnumValues: y",
        ),
        (document(step("a"), Parameters=[{"Name": "a", "Type": "String", "EnumValues": [1]}]), "EnumValues[0]: must"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(given: Any, said: str) -> None:
    assert said in problem(given)


def test_two_groups_of_steps_in_cycles_are_two_problems() -> None:
    waits = {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["e", "a"], "e": ["d"], "f": ["e"]}
    found = problems(document(*(step(name, DependsOn=wanted) for name, wanted in waits.items())))
    assert [one.rpartition(": ")[2] for one in found] == ["a -> b -> c -> a", "d -> e -> d"]


def test_who_hands_in_a_check_is_asked_about_steps_without_other_problems() -> None:
    asked = []

    def check(one: Any, definition: Definition) -> list[Problem]:
        asked.append(one.name)
        return [Problem(one.path, "no such type", one.name)]

    assert len(problems(document(step("a", DependsOn=["a"]), step("b")), check_step=check)) == 2
    assert asked == ["b"]


def test_a_reference_to_a_step_that_stands_later_is_no_problem() -> None:
    made = parse(document(step("b", Arguments={"x": get("Steps.a.ProcessingJobArn")}), step("a")))
    assert graph.order(graph.needs(made)) == ["a", "b"]


def test_ten_thousand_steps_in_a_row_need_no_stack() -> None:
    steps = [step("s0"), *(step(f"s{n}", DependsOn=[f"s{n - 1}"]) for n in range(1, 10_000))]
    assert len(graph.order(graph.needs(parse(document(*reversed(steps)))))) == 10_000


@pytest.mark.parametrize(
    ("written", "meant"),
    [("PT1H", 3600), ("P30D", 30 * 86400), ("p30d", 30 * 86400), ("P4DT12H", 4.5 * 86400), ("T12H", 43200)]
    + [("P1Y2M3W", 365 * 86400 + 60 * 86400 + 21 * 86400), ("PT1M30S", 90)]
    + [(one, None) for one in ("", "P", "PT", "1H", "PT1D", "P1H", "PT1H2", "-PT1H", "hour")],
)
def test_durations(written: str, meant: float | None) -> None:
    assert seconds(written) == meant


names = st.text("abcXYZ019-_", min_size=1, max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, min_size=2, max_size=4),
    max_leaves=8,
)


@st.composite
def definitions(draw: st.DrawFn) -> Doc:
    """Definitions without fault: each step may wait for those before it that can run beside it."""
    made: list[str] = []

    def steps(free: list[str], depth: int) -> list[Doc]:
        found = []
        for _ in range(draw(st.integers(0, 3 - depth))):
            name = f"{draw(names)}-{len(made)}"
            made.append(name)
            waits = draw(st.lists(st.sampled_from(free), max_size=2)) if free else []
            reads = {f"m{n}": get(f"Steps.{one}.A.B[0]['c d']") for n, one in enumerate(waits)}
            if depth < 3 and draw(st.integers(0, 3)) == 0:
                one = condition(name, get(f"Steps.{waits[0]}.V") if waits else 3)
                one["Arguments"]["IfSteps"] = steps([*free, name], depth + 1)
                one["Arguments"]["ElseSteps"] = steps([*free, name], depth + 1)
            else:
                one = step(name, "Any", Arguments={**reads, "plain": draw(plain)}, Further=draw(plain))
                if draw(st.booleans()):
                    one["DependsOn"] = draw(st.lists(st.sampled_from(free), max_size=2)) if free else []
            found.append(one)
            free = [*free, name]
        return found

    return document(*steps([], 0), step("last-of-all"))


@given(definitions())
def test_a_definition_that_is_printed_is_read_again_as_it_was(whole: Doc) -> None:
    first = parse(whole)
    again = parse(json.dumps(first.document))
    assert again == first
    needed = graph.needs(first)
    order = graph.order(needed)
    assert sorted(order) == sorted(first.steps)
    place = {name: number for number, name in enumerate(order)}
    assert all(place[before] < place[name] for name, wanted in needed.items() for before in wanted)


@given(definitions(), st.randoms(use_true_random=False))
def test_whatever_is_broken_is_refused_and_never_crashes(whole: Doc, random: Any) -> None:
    broken = json.loads(json.dumps(whole))
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    walk(broken)
    for _ in range(3):
        holder, key = random.choice(places)
        holder[key] = random.choice(
            [None, 3, "", "x", [], {}, {"Get": "Steps.x"}, [{"Get": []}], {"Std:Join": 5}, True]
        )
    try:
        parse(broken)
    except Refused as error:
        assert all(one.message for one in error.problems)
