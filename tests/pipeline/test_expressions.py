"""Expressions and conditions, resolved."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clary.pipeline.language import conditions, expressions, parameters
from clary.pipeline.language.definition import Definition
from clary.pipeline.language.parse import parse
from clary.pipeline.language.paths import parts
from clary.pipeline.language.problems import Refused, Unresolved

Doc = dict[str, Any]


@dataclass
class World:
    """A Scope over plain dictionaries."""

    parameters: Doc = field(default_factory=dict)
    steps: dict[str, Doc] = field(default_factory=dict)
    files: Doc = field(default_factory=dict)

    def parameter(self, name: str) -> Any:
        return self.parameters[name]

    def execution(self, variable: str) -> str:
        return f"<{variable}>"

    def properties(self, step: str) -> Doc:
        if step not in self.steps:
            raise Unresolved("", f"the step {step} has not run")
        return self.steps[step]

    def document(self, s3_uri: str) -> Any:
        return self.files[s3_uri]


WHOLE = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "N", "Type": "Integer", "DefaultValue": 3},
        {"Name": "F", "Type": "Float", "DefaultValue": 1},
        {"Name": "B", "Type": "Boolean", "DefaultValue": False},
        {"Name": "S", "Type": "String", "EnumValues": ["a", "b"]},
    ],
    "Steps": [
        {
            "Name": "eval",
            "Type": "Processing",
            "Arguments": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "metrics"}]}},
            "PropertyFiles": [{"PropertyFileName": "report", "OutputName": "metrics", "FilePath": "deep/e.json"}],
        }
    ],
}
DEFINITION: Definition = parse(WHOLE)
EVALUATED = {
    "ProcessingJobArn": "arn:1",
    "ProcessingInputs": [{"InputName": "code", "S3Input": {"S3Uri": "s3://b/code"}}],
    "ProcessingOutputConfig": {
        "Outputs": [
            {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
            {"OutputName": "metrics", "S3Output": {"S3Uri": "s3://b/metrics/"}},
        ]
    },
    "OutputParameters": [{"Name": "status", "Value": "good"}],
    "FinalMetricDataList": [{"MetricName": "validation:rmse", "Value": 0.5}],
    "Environment": {"with.dot": "yes", "a b": 1},
}
REPORT = {"mse": {"value": 5.5}, "list": [{"x": 1}, {"x": 2}], "a b": {"c.d": [[7]]}, "none": None}
SCOPE = World({"N": 3, "F": 0.5, "B": True, "S": "a"}, {"eval": EVALUATED}, {"s3://b/metrics/deep/e.json": REPORT})


def resolve(value: Any, scope: World = SCOPE) -> Any:
    return expressions.resolve(value, scope, DEFINITION)


def get(what: str) -> Doc:
    return {"Get": what}


def join(*values: Any, on: str = "") -> Doc:
    return {"Std:Join": {"On": on, "Values": list(values)}}


def json_get(path: str) -> Doc:
    return {"Std:JsonGet": {"PropertyFile": get("Steps.eval.PropertyFiles.report"), "Path": path}}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (get("Parameters.N"), 3),
        (get("Execution.PipelineName"), "<PipelineName>"),
        (get("Steps.eval.ProcessingJobArn"), "arn:1"),
        (get("Steps.eval.ProcessingOutputConfig.Outputs[0].OutputName"), "train"),
        (get("Steps.eval.ProcessingOutputConfig.Outputs[-1].OutputName"), "metrics"),
        (get("Steps.eval.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"), "s3://b/train"),
        (get('Steps.eval.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri'), "s3://b/train"),
        (get("Steps.eval.ProcessingInputs['code'].S3Input.S3Uri"), "s3://b/code"),
        (get("Steps.eval.OutputParameters['status']"), "good"),
        (get("Steps.eval.FinalMetricDataList['validation:rmse'].Value"), 0.5),
        (get("Steps.eval.Environment['with.dot']"), "yes"),
        (get("Steps.eval.PropertyFiles.report"), "s3://b/metrics/deep/e.json"),
        (join("s3:/", "b", get("Parameters.N"), get("Parameters.B"), 1.5, on="/"), "s3://b/3/true/1.5"),
        ({"Std:Join": {"Values": ["a", "b"]}}, "ab"),
        (join(get("Parameters.N")), "3"),
        (join(1e-7, 10.0, 2**60, False, on=" "), "1e-07 10.0 1152921504606846976 false"),
        (json_get("mse.value"), 5.5),
        (json_get("$.mse.value"), 5.5),
        (json_get("list[1].x"), 2),
        (json_get("['a b']['c.d'][0][0]"), 7),
        (json_get("$"), REPORT),
        ({"Std:JsonGet": {"S3Uri": join("s3://b/metrics", "deep/e.json", on="/"), "Path": "mse"}}, {"value": 5.5}),
        ({"a": [join("x", get("Execution.PipelineArn")), {"b": 1}]}, {"a": ["x<PipelineArn>", {"b": 1}]}),
        ({"Get": "Parameters.N", "other": 1}, {"Get": "Parameters.N", "other": 1}),
    ],
)  # fmt: skip
def test_an_expression_is_what_it_names(value: Any, meant: Any) -> None:
    assert resolve(value) == meant
    assert type(resolve(value)) is type(meant)


@pytest.mark.parametrize(
    ("value", "where", "said"),
    [
        ({"a": [1, get("Steps.eval.Nope")]}, "a[1]", "Steps.eval has no member 'Nope'; there are ProcessingJobArn,"),
        (
            get("Steps.eval.ProcessingOutputConfig.Outputs['trian']"),
            "",
            "no element named 'trian'; did you mean train?",
        ),
        (get("Steps.eval.ProcessingOutputConfig.Outputs[2]"), "", "has no element [2]: it has 2"),
        (get("Steps.eval.ProcessingJobArn.x"), "", "Steps.eval.ProcessingJobArn is a string, which has no member 'x'"),
        (get("Steps.other.x"), "", "the step other has not run"),
        (
            {"u": join("a", get("Steps.eval.Environment"))},
            "u.Std:Join.Values[1]",
            "is an object, which cannot be joined",
        ),
        (join(json_get("none")), "Std:Join.Values[0]", "is null, which cannot be joined to text"),
        ({"v": json_get("mse.valu")}, "v", "s3://b/metrics/deep/e.json.mse has no member 'valu'; did you mean value?"),
        ({"Std:JsonGet": {"S3Uri": get("Parameters.N"), "Path": "a"}}, "S3Uri", "must be an S3 URI, but is 3"),
    ],
)
def test_what_has_no_value_is_told_with_what_there_is(value: Any, where: str, said: str) -> None:
    with pytest.raises(Unresolved) as caught:
        resolve(value)
    assert caught.value.where == where
    assert said in caught.value.message


def test_references_and_documents_of_a_value() -> None:
    value = {"x": [json_get("mse"), join(get("Steps.b.Q"), join(get("Steps.c.R")))], "y": get("Parameters.N")}
    assert expressions.references(value) == {"eval", "b", "c"}
    assert expressions.documents([value["x"][0]], SCOPE, DEFINITION) == {"s3://b/metrics/deep/e.json"}
    stored = {"Std:JsonGet": {"S3Uri": join("s3://b/", get("Parameters.S")), "Path": "q"}}
    assert expressions.documents({"deep": [stored]}, SCOPE, DEFINITION) == {"s3://b/a"}
    with pytest.raises(Unresolved, match=r"deep\[0\]\.Std:JsonGet: the step eval has not run"):
        expressions.documents({"deep": [json_get("a")]}, World(), DEFINITION)


def compare(kind: str, left: Any, right: Any) -> Doc:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def one_of(query: Any, *values: Any) -> Doc:
    return {"Type": "In", "QueryValue": query, "Values": list(values)}


def inverse(condition: Doc) -> Doc:
    return {"Type": "Not", "Condition": condition}


def either(*given: Doc) -> Doc:
    return {"Type": "Or", "Conditions": list(given)}


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        (compare("LessThanOrEqualTo", json_get("mse.value"), 6.0), True),
        (compare("LessThan", 6, 6.0), False),
        (compare("Equals", get("Parameters.N"), 3.0), True),
        (compare("Equals", "a", get("Parameters.S")), True),
        (compare("GreaterThan", "b", "a"), True),
        (compare("GreaterThanOrEqualTo", 2, 3), False),
        (compare("Equals", get("Parameters.B"), True), True),
        (one_of(get("Parameters.S"), "x", "a"), True),
        (one_of(3, "3", 4), False),
        (one_of("3", 3, "4"), False),
        (inverse(one_of(3, 1, 2)), True),
        (either(compare("Equals", 1, 2), inverse(either(compare("Equals", 1, 2)))), True),
        (either(compare("Equals", 1, 2), compare("LessThan", 1, 1)), False),
    ],
)
def test_a_condition_holds_or_not(condition: Doc, meant: bool) -> None:
    assert conditions.holds(condition, SCOPE, DEFINITION) is meant
    assert conditions.all_hold([condition, compare("Equals", 1, 1)], SCOPE, DEFINITION) is meant


@pytest.mark.parametrize(
    ("condition", "where", "said"),
    [
        (compare("Equals", "3", 3), "", "Equals cannot compare string '3' with number 3"),
        (compare("LessThan", True, 1), "", "LessThan cannot compare boolean true with number 1"),
        (compare("LessThan", True, False), "", "LessThan cannot compare boolean true with boolean false"),
        (compare("Equals", json_get("none"), json_get("none")), "", "Equals cannot compare null with null"),
        (compare("Equals", json_get("mse"), 3), "", "Equals cannot compare an object with number 3"),
        (one_of(1, "1", True), "", "In cannot compare number 1 with any of string '1', boolean true"),
        (compare("Equals", 1, json_get("x")), "RightValue", "has no member 'x'"),
        (one_of(1, 2, get("Steps.eval.q")), "Values[1]", "Steps.eval has no member 'q'"),
        (
            either(compare("Equals", 1, 1), inverse(compare("Equals", 1, get("Steps.eval.q")))),
            "Conditions[1].Condition.RightValue",
            "Steps.eval has no member 'q'",
        ),
    ],
)
def test_a_comparison_of_what_cannot_be_compared_has_no_outcome(condition: Doc, where: str, said: str) -> None:
    with pytest.raises(Unresolved) as caught:
        conditions.holds(condition, SCOPE, DEFINITION)
    assert caught.value.where == where
    assert said in caught.value.message


def test_parameters_are_typed_by_their_declaration() -> None:
    found = parameters.values(DEFINITION, {"N": " 12", "S": "b", "B": "True", "F": "1e-3"})
    assert found == {"N": 12, "F": 0.001, "B": True, "S": "b"}
    assert parameters.values(DEFINITION, {"S": "a"}) == {"N": 3, "F": 1, "B": False, "S": "a"}


def test_everything_that_is_wrong_with_given_parameters_is_told() -> None:
    with pytest.raises(Refused) as caught:
        parameters.values(DEFINITION, {"N": "1.5", "F": "nan", "B": "yes", "M": "x"})
    assert [str(one) for one in caught.value.problems] == [
        "Parameters.M: the pipeline has no parameter 'M'; there are N, F, B, S",
        "Parameters.N: must be of type Integer, but is '1.5'",
        "Parameters.F: must be of type Float, but is 'nan'",
        "Parameters.B: must be of type Boolean, but is 'yes'",
        "Parameters.S: has no default value: give one when the execution starts",
    ]
    with pytest.raises(Refused, match="'c' is none of a, b"):
        parameters.values(DEFINITION, {"S": "c"})


# A second evaluator, as plain as can be: it builds the value beside the expression.
scalars = st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | st.text("ab/ .'é", max_size=4)
keys = st.text("abc .[]é", min_size=1, max_size=4)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(keys, inner, min_size=1, max_size=3),
    max_leaves=6,
)


def said(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else repr(value)
    )


@st.composite
def reads(draw: st.DrawFn, world: World) -> tuple[Doc, Any]:
    """A `Get` or JsonGet into a random document, and what it leads to."""
    tree = draw(st.dictionaries(keys, trees, min_size=1, max_size=3))
    way, here = "", tree
    while isinstance(here, dict | list) and (not way or draw(st.booleans())):
        part = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        simple = isinstance(part, str) and not set(part) & set(".[]")
        way += (
            f"[{part}]"
            if isinstance(part, int)
            else f".{part}"
            if simple and way
            else part
            if simple
            else f"['{part}']"
        )
        here = here[part]
    name = f"s{len(world.steps)}"
    world.steps[name] = tree
    world.files[f"s3://b/{name}"] = tree
    dotted = way if way.startswith("[") else f".{way}"
    written = (
        get(f"Steps.{name}{dotted}")
        if draw(st.booleans())
        else {"Std:JsonGet": {"S3Uri": f"s3://b/{name}", "Path": way}}
    )
    return written, here


def nested(world: World, depth: int = 3) -> st.SearchStrategy[tuple[Any, Any]]:
    plain = scalars.map(lambda one: (one, one))
    if depth == 0:
        return plain | reads(world)
    inner = nested(world, depth - 1)
    lists = st.lists(inner, max_size=3).map(lambda ones: ([a for a, _ in ones], [b for _, b in ones]))
    objects = st.dictionaries(keys, inner, min_size=2, max_size=3).map(
        lambda ones: ({k: a for k, (a, _) in ones.items()}, {k: b for k, (_, b) in ones.items()})
    )
    texts = inner.filter(lambda one: not isinstance(one[1], dict | list))
    joins = st.tuples(st.lists(texts, max_size=3), st.text("-/", max_size=2)).map(
        lambda made: (join(*(a for a, _ in made[0]), on=made[1]), made[1].join(said(b) for _, b in made[0]))
    )
    return plain | reads(world) | lists | objects | joins


@given(st.data())
def test_random_expressions_mean_what_they_were_made_of(data: st.DataObject) -> None:
    world = World()
    written, meant = data.draw(nested(world))
    assert resolve(written, world) == meant


@given(
    st.lists(
        st.integers(-9, 9) | st.text(st.characters(exclude_characters="'\"", exclude_categories=["Cs"]), max_size=5)
    )
)
def test_any_way_can_be_written_in_brackets(way: list[Any]) -> None:
    assert parts("".join(f"[{part}]" if isinstance(part, int) else f"['{part}']" for part in way)) == tuple(way)
