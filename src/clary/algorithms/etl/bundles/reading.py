"""What a fitted pipeline of Spark has learnt, as the operations of a bundle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clary.algorithms.etl.bundles import learnt
from clary.algorithms.etl.bundles.learnt import CannotSave, Columns
from clary.algorithms.sparkml.bundle import Node
from clary.algorithms.sparkml.categories import INVALID
from clary.algorithms.sparkml.writing import number


@dataclass
class Known:
    """The columns as far as stages before have made them."""

    schema: Any = None
    """Of the data set that the caller gave; None: none was given."""
    labels: dict[str, list[str]] = field(default_factory=dict)
    """Of the columns that indexers have made."""

    def field(self, column: str) -> Any:
        """The field of the data set, or None."""
        return None if self.schema is None else next((one for one in self.schema.fields if one.name == column), None)

    def labels_of(self, column: str) -> list[str] | None:
        """Of an indexer of this pipeline, or what the data set's metadata says."""
        if column in self.labels:
            return self.labels[column]
        found = self.field(column)
        values = ((found.metadata or {}).get("ml_attr") or {}).get("vals") if found is not None else None
        return [str(one) for one in values] if values else None

    def is_whole(self, column: str) -> bool:
        found = self.field(column)
        return found is not None and found.dataType.typeName() in ("byte", "short", "integer", "long")


def nodes(transformer: Any, schema: Any = None) -> list[Node]:
    """The operations of the fitted transformer, pipelines taken apart. `schema`: of the data set that it is saved
    with, where labels and types stand that a stage does not know itself. Raises CannotSave that names the first stage
    that a bundle has no operation for."""
    known = Known(schema)
    found = [_node(stage, known) for stage in _stages(transformer)]
    if not found:
        raise CannotSave("The pipeline has no stages: there is nothing to save.")
    return found


def _stages(transformer: Any) -> Iterator[Any]:
    name = type(transformer).__name__
    if name == "PipelineModel":
        for one in transformer.stages:
            yield from _stages(one)
    elif name == "Pipeline":
        raise CannotSave("A Pipeline that is not fitted was given: fit it, and save the model.")
    else:
        yield transformer


def _node(stage: Any, known: Known) -> Node:
    kind = type(stage).__name__
    read = _STAGES.get(kind)
    if read is None:
        estimator = f"{kind}Model" in _STAGES or kind.removesuffix("er") + "erModel" in _STAGES
        raise CannotSave(
            f"{stage.uid} is a {kind}, which is not fitted: fit the pipeline, and save the model."
            if estimator
            else f"The stage {stage.uid} is a {kind}, which a bundle has no operation for. Supported are "
            f"{', '.join(sorted(_STAGES))}, and PipelineModels of them. Do what {kind} does before the pipeline."
        )
    op, attributes, columns = read(stage, known)
    return Node(op, stage.uid, attributes, columns.inputs, columns.outputs, columns.ports)


Read = Callable[[Any, Known], tuple[str, dict[str, Any], Columns]]


def _string_indexer(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    columns, mode = learnt.columns(stage), learnt.invalid(stage)
    labels = [[str(label) for label in one] for one in stage.labelsArray]
    for out, held in zip(columns.outputs, labels, strict=True):
        # As Spark's own metadata: a kept category is one more.
        known.labels[out] = [*held, "__unknown"] if mode == "keep" else held
    return "string_indexer", {"labels_array": labels, INVALID: mode}, columns


def _index_to_string(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    columns = learnt.columns(stage)
    labels = list(stage.getLabels()) if stage.isDefined("labels") else []
    found = labels or known.labels_of(columns.inputs[0])
    if not found:
        raise CannotSave(
            f"{stage.uid} (IndexToString) has no labels, and the column {columns.inputs[0]} of the data set has none "
            "in its metadata: give labels=, or save it with a data set whose column a StringIndexer made."
        )
    return "reverse_string_indexer", {"labels": [str(one) for one in found]}, columns


def _one_hot(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    sizes = [int(one) for one in stage.categorySizes]
    about = {"category_sizes": sizes, "drop_last": stage.getOrDefault("dropLast"), INVALID: learnt.invalid(stage)}
    return "one_hot_encoder", about, learnt.columns(stage)


def _assembler(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    columns = Columns(tuple(stage.getInputCols()), (stage.getOutputCol(),))
    return "vector_assembler", {INVALID: learnt.invalid(stage)}, columns


def _selected(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    columns = Columns((stage.getOrDefault("featuresCol"),), (stage.getOutputCol(),))
    return "vector_slicer", {"indices": [int(one) for one in stage.selectedFeatures]}, columns


def _slicer(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    if stage.getOrDefault("names"):
        raise CannotSave(f"{stage.uid} (VectorSlicer) picks by names, which a vector does not have: give indices.")
    return "vector_slicer", {"indices": [int(one) for one in stage.getIndices()]}, learnt.columns(stage)


def _standard(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    about: dict[str, Any] = {}
    if stage.getOrDefault("withMean"):
        about["mean"] = learnt.floats(stage.mean)
    if stage.getOrDefault("withStd"):
        about["std"] = learnt.floats(stage.std)
    return "standard_scaler", about, learnt.columns(stage)


def _robust(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    about: dict[str, Any] = {}
    if stage.getOrDefault("withCentering"):
        about["median"] = learnt.floats(stage.median)
    if stage.getOrDefault("withScaling"):
        about["range"] = learnt.floats(stage.range)
    return "robust_scaler", about, learnt.columns(stage)


def _min_max(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    about = {
        "min": learnt.floats(stage.originalMin),
        "max": learnt.floats(stage.originalMax),
        "min_value": stage.getOrDefault("min"),
        "max_value": stage.getOrDefault("max"),
    }
    return "min_max_scaler", about, learnt.columns(stage)


def _max_abs(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    return "max_abs_scaler", {"max_abs": learnt.floats(stage.maxAbs)}, learnt.columns(stage)


def _normalizer(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    return "normalizer", {"p_norm": number(float(stage.getOrDefault("p")))}, learnt.columns(stage)


def _binarizer(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    columns = learnt.columns(stage)
    several = stage.isSet("inputCols") and stage.isSet("thresholds")
    given = stage.getOrDefault("thresholds") if several else [stage.getOrDefault("threshold")] * len(columns.inputs)
    return "binarizer", {"thresholds": [float(one) for one in given]}, columns


def _bucketizer(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    several = stage.getOrDefault("splitsArray") if stage.isSet("inputCols") else [stage.getOrDefault("splits")]
    splits = [[number(float(one)) for one in held] for held in several]
    return "bucketizer", {"splits": splits, INVALID: learnt.invalid(stage)}, learnt.columns(stage)


def _imputer(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
    columns = learnt.columns(stage)
    row = stage.surrogateDF.first().asDict()
    # Spark casts them to the column's type, which cuts a whole number's fraction.
    surrogates = [float(int(row[name])) if known.is_whole(name) else float(row[name]) for name in columns.inputs]
    about = {"surrogates": surrogates, "missing_value": number(float(stage.getOrDefault("missingValue")))}
    return "imputer", about, columns


def _of(op: str, read: Callable[[Any], Mapping[str, Any]]) -> Read:
    def made(stage: Any, known: Known) -> tuple[str, dict[str, Any], Columns]:
        return op, dict(read(stage)), learnt.model_columns(stage)

    return made


_STAGES: Final[Mapping[str, Read]] = {
    "StringIndexerModel": _string_indexer,
    "OneHotEncoderModel": _one_hot,
    "IndexToString": _index_to_string,
    "VectorAssembler": _assembler,
    "VectorSlicer": _slicer,
    "ChiSqSelectorModel": _selected,
    "UnivariateFeatureSelectorModel": _selected,
    "VarianceThresholdSelectorModel": _selected,
    "StandardScalerModel": _standard,
    "RobustScalerModel": _robust,
    "MinMaxScalerModel": _min_max,
    "MaxAbsScalerModel": _max_abs,
    "Normalizer": _normalizer,
    "Binarizer": _binarizer,
    "Bucketizer": _bucketizer,
    "ImputerModel": _imputer,
    "LinearRegressionModel": _of("linear_regression", learnt.linear),
    "LinearSVCModel": _of("linear_svc", learnt.linear_svc),
    "LogisticRegressionModel": _of("logistic_regression", learnt.logistic),
    "DecisionTreeClassificationModel": _of("decision_tree_classifier", learnt.tree),
    "RandomForestClassificationModel": _of("random_forest_classifier", learnt.forest),
    "GBTClassificationModel": _of("gbt_classifier", learnt.boosted),
    "DecisionTreeRegressionModel": _of("decision_tree_regression", learnt.tree),
    "RandomForestRegressionModel": _of("random_forest_regression", learnt.forest),
    "GBTRegressionModel": _of("gbt_regression", learnt.boosted),
}


def inputs(found: Sequence[Node]) -> list[str]:
    """The columns that the operations take and do not make, in the order in which they are first asked for."""
    made: set[str] = set()
    wanted: dict[str, None] = {}
    for node in found:
        wanted |= dict.fromkeys(name for name in node.inputs if name not in made)
        made |= set(node.outputs)
    return list(wanted)
