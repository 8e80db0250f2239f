"""A pipeline of stages becomes one graph and its plan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from clary.algorithms.graphs.features import CannotCompile, Feature, Given, Number, Table
from clary.algorithms.graphs.native import Stage
from clary.algorithms.graphs.native import predictor as predictor_of
from clary.algorithms.graphs.nodes import DOUBLE, FLOAT, INT64, STRING, Graph
from clary.algorithms.graphs.source import Source
from clary.algorithms.graphs.stages import sklearn, sparkml, tables, xgboost
from clary.algorithms.xgboost import version


@dataclass
class Pipeline:
    """What is known after some of the stages."""

    reader: str = ""
    given: list[Given] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)
    thresholds: dict[int, set[float]] = field(default_factory=dict)
    """For each feature the values at which an answer may change."""
    graph: Graph = field(default_factory=Graph)
    source: Source | None = None
    answered: "Answered | None" = None

    def begin(self, reader: str, given: list[Given]) -> None:
        self.reader, self.given, self.features = reader, given, sklearn.start(given)

    def open(self, *, double: bool = False) -> Source:
        """The graph's input, for whoever ends the features. Raises CannotCompile."""
        for one in self.features:
            if isinstance(one, Table) and one.other is None:
                column = self.given[one.column]
                if not column.strict or not set(column.allowed or ()) <= set(one.keys):
                    raise CannotCompile("two stages know different categories of the same column")
        self.source = Source(self.graph, self.given, self.features, double=double)
        return self.source


@dataclass(frozen=True, slots=True)
class Answered:
    """What the last stage so far answers."""

    style: str
    """"scores", "rows", "array" or "spark", as the plan's "output"."""
    outputs: list[tuple[str, str, int, int | None]]
    """(public name, tensor, type, numbers a row or None for one)."""
    names: tuple[str, ...] = ()
    classes: str | None = None
    """The tensor of class numbers, int64[N], where that is what it answers."""
    one_line: bool = False
    default_accept: str = "text/csv"


@dataclass(frozen=True, slots=True)
class Built:
    model: Any
    """The ModelProto."""
    plan: dict[str, Any]
    given: Sequence[Given]
    features: Sequence[Feature]
    thresholds: dict[int, set[float]]


def build(stages: Sequence[Stage]) -> Built:
    """The graph of all stages and its plan, not yet compared with anything. Raises CannotCompile."""
    pipeline = Pipeline()
    for stage in stages:
        known = _STAGES.get(stage.image)
        if known is None:
            raise CannotCompile(f"models of the image {stage.image} are not compiled")
        known(pipeline, stage)
    answered = pipeline.answered or _rows_of_numbers(pipeline, stages[-1])
    assert pipeline.source is not None
    kind, shape = pipeline.source.signature
    plan = {
        "version": 1,
        "stages": [one.image for one in stages],
        "reader": pipeline.reader,
        "input": pipeline.source.kind,
        "columns": [one.plan() for one in pipeline.given],
        "output": answered.style,
        "outputs": [one[0] for one in answered.outputs],
        "names": list(answered.names),
        "one_line": answered.one_line,
        "default_accept": answered.default_accept,
    }
    model = pipeline.graph.model(kind, shape, answered.outputs)
    return Built(model, plan, pipeline.given, pipeline.features, pipeline.thresholds)


def _scikit_learn(pipeline: Pipeline, stage: Stage) -> None:
    from clary.algorithms.sklearn import own

    model = own.load(stage.folder)
    accept = stage.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "text/csv"
    if type(model).__name__ == "LabelEncoder":
        pipeline.answered = _labels(pipeline, model.classes_, accept)
        return
    if pipeline.answered is not None:
        raise CannotCompile(
            f"scikit-learn's {type(model).__name__} stands behind a model, where only labels may follow"
        )
    if not pipeline.reader:
        pipeline.begin("arrays", sklearn.given(model))
    before, predictor = sklearn.predicting(model)
    made = sklearn.transformed(before, pipeline.features) if before is not None else sklearn.Made(pipeline.features)
    pipeline.features = made.features
    if predictor is not None:
        pipeline.answered = _predicted(pipeline, predictor, made.sparse, accept)


def _predicted(pipeline: Pipeline, predictor: Any, sparse: bool, accept: str) -> Answered:
    """What XGBoost's classes of scikit-learn's manner answer: the number of a class, or a score."""
    boosted = xgboost.fitted(predictor)
    _ask(pipeline, boosted)
    score = xgboost.scores(pipeline.open(), boosted, pipeline.features, zero_missing=sparse)
    graph = pipeline.graph
    if not hasattr(predictor, "classes_"):
        width = None if boosted.groups == 1 else boosted.groups
        return Answered("array", [("score", score, FLOAT, width)], default_accept=accept)
    if boosted.objective == "multi:softprob":
        score = graph.node("ArgMax", score, axis=1, keepdims=0)
    elif not boosted.answers_classes:
        score = graph.cast(graph.node("Greater", score, graph.constant(np.float32(0.5))), INT64)
    return Answered("array", [("label", score, INT64, None)], classes=score, default_accept=accept)


def _sparkml(pipeline: Pipeline, stage: Stage) -> None:
    from clary.algorithms.sparkml import server

    model = server.load(stage.folder, stage.environ)
    accept = stage.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "text/csv"
    if pipeline.answered is not None:
        known = sparkml.labels(model.nodes, model.schema)
        if known is None:
            raise CannotCompile("a bundle behind a model does more than name the classes that it answers")
        made = _labels(pipeline, np.array(known, object), accept)
        pipeline.answered = replace(made, style="spark")
        return
    if pipeline.reader:
        raise CannotCompile("a bundle behind another stage is not compiled")
    pipeline.begin("spark", sparkml.given(model.schema))
    assert model.schema is not None
    rest, frame = sparkml.transformed(model.nodes, model.schema, pipeline.features)
    pipeline.given = sparkml.narrowed(pipeline.given, frame)
    output = model.schema.output.name
    if not rest:
        pipeline.features = frame.columns[output]
        return
    names = sparkml.asked(rest, frame)
    pipeline.features = [feature for name in names for feature in frame.columns[name]]
    pipeline.thresholds = sparkml.thresholds(rest, names)
    found = sparkml.written(rest, frame, pipeline.open(double=True), names, output)
    width = found.width if found.kind == "vector" else None
    of = STRING if found.kind == "text" else DOUBLE
    pipeline.answered = Answered("spark", [("answer", found.tensor, of, width)], default_accept=accept)


def _labels(pipeline: Pipeline, classes: Any, accept: str) -> Answered:
    before = pipeline.answered
    if before is None or before.classes is None or len(before.outputs) > 1:
        raise CannotCompile("a LabelEncoder takes the numbers of classes, which the stage before it does not answer")
    graph = pipeline.graph
    if classes.dtype.kind in "OU":
        if not all(isinstance(one, str) for one in classes.tolist()):
            raise CannotCompile("labels of several types are not compiled")
        of, held = STRING, classes.astype(object)
    elif classes.dtype.kind in "iub" and classes.dtype != bool:
        of, held = INT64, classes.astype(np.int64)
    elif classes.dtype.kind == "f":
        of, held = DOUBLE, classes.astype(np.float64)
    else:
        raise CannotCompile(f"labels of the type {classes.dtype} are not compiled")
    label = graph.node("Gather", graph.constant(held), before.classes, axis=0)
    return Answered("array", [("label", label, of, None)], default_accept=accept)


def _xgboost(pipeline: Pipeline, stage: Stage) -> None:
    if pipeline.answered is not None:
        raise CannotCompile("the XGBoost model stands behind another model")
    boosted = xgboost.load(stage.folder)
    if not pipeline.reader:
        pipeline.begin("xgboost", [Given() for _ in range(boosted.columns)])
    _ask(pipeline, boosted)
    score = xgboost.scores(pipeline.open(), boosted, pipeline.features)
    classes = score if boosted.answers_classes else None
    if classes is not None:
        score = pipeline.graph.cast(classes, FLOAT)
    width = boosted.groups if boosted.groups > 1 and classes is None else None
    pipeline.answered = Answered(
        "scores",
        [("score", score, FLOAT, width)],
        classes=classes,
        one_line=not stage.environ.get("SAGEMAKER_BATCH") and version.answers_with_commas(version.read(stage.environ)),
        default_accept=stage.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "text/csv",
    )


def _ask(pipeline: Pipeline, boosted: xgboost.Boosted) -> None:
    """The values at which a tree goes another way are known."""
    for tree in boosted.trees:
        for node in tree.splits():
            pipeline.thresholds.setdefault(tree.feature[node], set()).add(float(tree.condition[node]))


def _table(pipeline: Pipeline, stage: Stage) -> None:
    if pipeline.answered is not None:
        raise CannotCompile(f"the {stage.image} model stands behind another model")
    predictor = predictor_of(stage)
    if not pipeline.reader:
        pipeline.begin("tables", [Given() for _ in range(predictor.columns)])
    if len(pipeline.features) != predictor.columns:
        raise CannotCompile(f"the model takes {predictor.columns} columns, but its rows have {len(pipeline.features)}")
    for one in pipeline.features:
        if isinstance(one, Number) and not any(verb == "fill" for verb, _ in one.steps):
            pipeline.given[one.column] = replace(pipeline.given[one.column], needed=True)
    made = tables.named(pipeline.open(), predictor, pipeline.features)
    pipeline.answered = Answered(
        "rows",
        made.outputs,
        names=tuple(one[0] for one in made.outputs),
        classes=made.classes,
        default_accept=stage.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "application/json",
    )


def _rows_of_numbers(pipeline: Pipeline, last: Stage) -> Answered:
    """The features themselves are the answer."""
    accept = last.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "text/csv"
    source = pipeline.open(double=True)
    if not all(isinstance(one, Number | Table) for one in pipeline.features):
        raise CannotCompile("the last stage answers text of the request")
    made = source.matrix(pipeline.features, DOUBLE)
    style = "spark" if last.image == "sparkml-serving" else "array"
    return Answered(style, [("features", made, DOUBLE, len(pipeline.features))], default_accept=accept)


_STAGES: Mapping[str, Callable[[Pipeline, Stage], None]] = {
    "scikit-learn": _scikit_learn,
    "sparkml-serving": _sparkml,
    "xgboost": _xgboost,
    "linear-learner": _table,
    "k-means": _table,
}
