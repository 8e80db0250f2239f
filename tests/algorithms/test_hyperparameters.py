"""Every hyperparameter is read from its string, and every mistake is named with what is allowed."""

import pytest

from clary.algorithms.contract import ClientError
from clary.algorithms.xgboost.hyperparameters import KINDS, read


def wrong(**given: str) -> str:
    with pytest.raises(ClientError) as caught:
        read({"num_round": "10"} | given)
    return str(caught.value)


def test_a_plain_job() -> None:
    wanted = read({"num_round": "50", "eta": "0.2", "max_depth": "5", "subsample": "0.7", "eval_metric": "rmse,mae"})
    assert wanted.num_round == 50
    assert wanted.booster == {"objective": "reg:squarederror", "eta": 0.2, "max_depth": 5, "subsample": 0.7}
    assert wanted.metrics == ("rmse", "mae")
    assert wanted.save_model_on_termination and wanted.early_stopping_rounds is None


def test_num_round_is_required() -> None:
    with pytest.raises(ClientError, match="Missing required hyperparameter: num_round"):
        read({})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("eta", "1.5", r"'1.5' is not allowed; it must be a number in \[0, 1\]"),
        ("eta", "fast", r"a number in \[0, 1\]"),
        ("eta", "nan", r"a number in \[0, 1\]"),
        ("gamma", "-1", r"\[0, \+inf\)"),
        ("subsample", "0", r"\(0, 1\]"),
        ("max_depth", "5.5", "an integer of at least 0"),
        ("max_depth", "inf", "an integer of at least 0"),
        ("verbosity", "4", r"an integer in \[0, 3\]"),
        ("booster", "forest", "one of gbtree, gblinear, dart"),
        ("objective", "multi:max", "one of binary:hinge"),
        ("eval_metric", "merror,roc", "'roc' is not allowed; it must be one of accuracy, aft-nloglik"),
        ("eval_metric", "rmse@2", "only error, map, ndcg"),
        ("eval_metric", "error@half", "'error@' followed by a number"),
        ("tree_method", "quick", "one of auto, exact"),
        ("monotone_constraints", "(1,2)", "one of -1, 0, 1"),
        ("monotone_constraints", "__import__('os')", "one of -1, 0, 1"),
        ("interaction_constraints", "[1,2]", "a list of lists"),
        ("updater", "shotgun,fly", "a comma-separated list of grow_colmaker"),
        ("tweedie_variance_power", "2", r"\(1, 2\)"),
        ("save_model_on_termination", "yes", "one of true, false"),
        ("num_round", "0", "an integer of at least 1"),
        ("csv_weights", "2", r"an integer in \[0, 1\]"),
        ("early_stopping_rounds", "0", "an integer of at least 1"),
        ("_kfold", "1", "an integer of at least 2"),
        ("_num_cv_round", "0", "an integer of at least 1"),
        ("_tuning_objective_metric", "validation:speed", "one of accuracy"),
        ("nthread", "0", "an integer of at least 1"),
        ("seed", "3000000000", r"an integer in \[-2147483647, 2147483646\]"),
        ("min_child_weight", "-0.1", r"\[0, \+inf\)"),
        ("max_delta_step", "-1", r"\[0, \+inf\)"),
        ("sampling_method", "chance", "one of uniform, gradient_based"),
        ("colsample_bytree", "0", r"\(0, 1\]"),
        ("colsample_bylevel", "1.1", r"\(0, 1\]"),
        ("colsample_bynode", "-1", r"\(0, 1\]"),
        ("lambda", "-1", r"\[0, \+inf\)"),
        ("alpha", "x", r"\[0, \+inf\)"),
        ("scale_pos_weight", "0", r"\(0, \+inf\)"),
        ("refresh_leaf", "2", r"an integer in \[0, 1\]"),
        ("process_type", "new", "one of default, update"),
        ("grow_policy", "wide", "one of depthwise, lossguide"),
        ("max_leaves", "-1", "an integer of at least 0"),
        ("max_bin", "1", "an integer of at least 2"),
        ("num_parallel_tree", "0", "an integer of at least 1"),
        ("sample_type", "random", "one of uniform, weighted"),
        ("normalize_type", "wood", "one of tree, forest"),
        ("rate_drop", "2", r"\[0, 1\]"),
        ("one_drop", "2", r"an integer in \[0, 1\]"),
        ("skip_drop", "-1", r"\[0, 1\]"),
        ("num_class", "1", "an integer of at least 2"),
        ("base_score", "half", r"\(-inf, \+inf\)"),
        ("huber_slope", "0", r"\(0, \+inf\)"),
        ("aft_loss_distribution", "gumbel", "one of normal, logistic, extreme"),
        ("aft_loss_distribution_scale", "0", r"\(0, \+inf\)"),
        ("predictor", "tpu", "one of auto, cpu_predictor, gpu_predictor"),
        ("sketch_eps", "1", r"\(0, 1\)"),
        ("dsplit", "cell", "one of row, col"),
        ("lambda_bias", "2", r"\[0, 1\]"),
        ("deterministic_histogram", "1", "one of true, false"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(ClientError, match=f"Hyperparameter {name}: .*{allowed}"):
        read({"num_round": "10", name: value})


def test_every_hyperparameter_has_a_wrong_value_above() -> None:
    (mark,) = (one for one in test_a_wrong_value_is_named_with_what_is_allowed.pytestmark if one.name == "parametrize")
    untested = set(KINDS) - {name for name, _, _ in mark.args[1]}
    assert not untested


def test_unknown_names_are_refused_by_name() -> None:
    assert "Extraneous hyperparameter found: n_estimators" in wrong(n_estimators="5")


@pytest.mark.parametrize(
    ("alias", "name"),
    [("learning_rate", "eta"), ("min_split_loss", "gamma"), ("reg_lambda", "lambda"), ("reg_alpha", "alpha")],
)
def test_an_alias_is_its_name(alias: str, name: str) -> None:
    assert read({"num_round": "1", alias: "0.5"}).booster[name] == 0.5
    assert f"Hyperparameter {name} is given twice" in wrong(**{alias: "0.5", name: "0.5"})


def test_stray_blanks_do_not_matter() -> None:
    assert read({" num_round ": " 7 ", "max_depth ": "3"}).booster["max_depth"] == 3


def test_old_names_of_old_jobs_are_understood() -> None:
    wanted = read({"num_round": "1", "silent": "1", "objective": "reg:linear", "predictor": "cpu_predictor"})
    assert wanted.booster == {"objective": "reg:squarederror", "verbosity": 0}
    assert read({"num_round": "1", "silent": "0"}).booster["verbosity"] == 1
    assert read({"num_round": "1", "silent": "1", "verbosity": "2"}).booster["verbosity"] == 2
    assert "Hyperparameter silent" in wrong(silent="loud")


def test_whole_numbers_may_come_as_floats() -> None:
    assert read({"num_round": "10.0", "max_depth": "6.0"}).booster["max_depth"] == 6


def test_what_belongs_together_is_checked_together() -> None:
    assert "num_class" in wrong(objective="multi:softmax")
    assert "num_class is for multi:softmax" in wrong(num_class="3")
    assert "GPU" in wrong(tree_method="gpu_hist")
    assert "survival:aft only" in wrong(aft_loss_distribution="normal")
    assert "'aft-nloglik' can only" in wrong(eval_metric="aft-nloglik")
    assert "set _kfold too" in wrong(_num_cv_round="2")
    assert "leave out process_type update" in wrong(_kfold="2", process_type="update")
    assert "refresh and prune only" in wrong(process_type="update", updater="grow_colmaker")
    assert "one of shotgun, coord_descent" in wrong(booster="gblinear", updater="prune")
    assert "for booster gblinear only" in wrong(updater="shotgun")
    assert "exactly one of grow_colmaker" in wrong(updater="grow_colmaker,grow_histmaker")
    assert "exactly one of grow_colmaker" in wrong(updater="prune")
    assert "gblinear has none" in wrong(process_type="update", booster="gblinear")
    assert "'auc' can only be applied" in wrong(eval_metric="auc", objective="reg:squarederror")


def test_the_tuners_metric_is_measured_too() -> None:
    wanted = read({"num_round": "1", "eval_metric": "rmse", "_tuning_objective_metric": "validation:mae"})
    assert wanted.metrics == ("rmse", "mae")
    assert wanted.watched == "mae"
    again = read({"num_round": "1", "eval_metric": "mae,rmse", "_tuning_objective_metric": "validation:mae"})
    assert (again.metrics, again.watched) == (("mae", "rmse"), "mae")
    assert read({"num_round": "1"}).watched is None


def test_lists_and_constraints_reach_xgboost_in_its_own_form() -> None:
    wanted = read({"num_round": "1", "monotone_constraints": "[1, 0, -1]", "interaction_constraints": "[[0, 1], [2]]"})
    assert wanted.booster["monotone_constraints"] == "(1,0,-1)"
    assert wanted.booster["interaction_constraints"] == "[[0,1],[2]]"
    assert read({"num_round": "1", "eval_metric": '["rmse", "mae"]'}).metrics == ("rmse", "mae")


def test_every_hyperparameter_is_documented() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "algorithms" / "xgboost.md").read_text()
    assert [name for name in KINDS if f"`{name}`" not in page] == []
