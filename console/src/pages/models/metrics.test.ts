import { expect, test } from "vitest"
import { bestOf, better, confusion, curves, measures, ranked, shortNames } from "./metrics"

const REGRESSION = {
  regression_metrics: {
    mse: { value: 4.36, standard_deviation: 2.08 },
    r2: { value: 0.5, standard_deviation: "NaN" },
    mse_of_the_mean: { value: 10.1 },
  },
}
const BINARY = {
  binary_classification_metrics: {
    confusion_matrix: { no: { no: 80, yes: 5 }, yes: { no: 3, yes: 12 } },
    accuracy: { value: 0.92, standard_deviation: 0.01 },
    receiver_operating_characteristic_curve: { false_positive_rates: [0, 0.1, 1], true_positive_rates: [0, 0.9, 1] },
  },
  rows: 100,
  notes: "text is no number",
}

test("numbers by path, with their deviation, without matrices and curves", () => {
  expect(measures(REGRESSION)).toEqual([
    { path: "regression_metrics.mse", value: 4.36, deviation: 2.08 },
    { path: "regression_metrics.r2", value: 0.5, deviation: undefined },
    { path: "regression_metrics.mse_of_the_mean", value: 10.1, deviation: undefined },
  ])
  expect(measures(BINARY).map((one) => one.path)).toEqual(["binary_classification_metrics.accuracy", "rows"])
  expect(measures([1, 2])).toEqual([])
  expect(measures("text")).toEqual([])
  expect(measures({ accuracy: 0.9 })).toEqual([{ path: "accuracy", value: 0.9 }])
})

test("a matrix has every label once, and a missing cell is none", () => {
  expect(confusion(BINARY)).toEqual({
    labels: ["no", "yes"],
    rows: [
      [80, 5],
      [3, 12],
    ],
  })
  expect(confusion({ confusion_matrix: { a: { b: 2 } } })).toEqual({
    labels: ["a", "b"],
    rows: [
      [0, 2],
      [0, 0],
    ],
  })
  expect(confusion(REGRESSION)).toBeUndefined()
})

test("curves of the published shape", () => {
  expect(curves(BINARY)).toEqual([
    {
      title: "ROC curve",
      x: "false positive rates",
      y: "true positive rates",
      points: [
        { x: 0, y: 0 },
        { x: 0.1, y: 0.9 },
        { x: 1, y: 1 },
      ],
    },
  ])
})

test("names are as short as they can be told apart", () => {
  expect(shortNames(["regression_metrics.mse", "regression_metrics.r2"])).toEqual({
    "regression_metrics.mse": "mse",
    "regression_metrics.r2": "r2",
  })
  expect(shortNames(["a.mse", "b.mse"])).toEqual({ "a.mse": "a.mse", "b.mse": "b.mse" })
})

test("which way is better is told by the name, or not at all", () => {
  expect(["m.rmse", "log_loss", "validation_mae", "false_positive_rate", "error"].map(better)).toEqual(
    Array(5).fill("lower"),
  )
  expect(["m.accuracy", "weighted_f1", "auc", "r2", "f0_5", "validation:auc"].map(better)).toEqual(
    Array(6).fill("higher"),
  )
  expect(["mse_of_the_mean", "accuracy_best_constant_classifier", "rows"].map(better)).toEqual(Array(3).fill(undefined))
})

test("the best are marked, ties all, and nothing where there is nothing to compare", () => {
  expect(bestOf([0.9, 0.95, undefined, 0.95], "higher")).toEqual(new Set([1, 3]))
  expect(bestOf([4, 3, 5], "lower")).toEqual(new Set([1]))
  expect(bestOf([4, 4], "lower")).toEqual(new Set())
  expect(bestOf([4, undefined], "lower")).toEqual(new Set())
  expect(bestOf([4, 3], undefined)).toEqual(new Set())
})

test("measures of merit come first", () => {
  expect(ranked([measures(BINARY), measures(REGRESSION)]).slice(0, 3)).toEqual([
    "binary_classification_metrics.accuracy",
    "regression_metrics.mse",
    "regression_metrics.r2",
  ])
})
