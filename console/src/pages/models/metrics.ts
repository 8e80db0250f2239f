/** Numbers in the metrics file of a version: found, named, compared. Pure; `measured.ts` reads the files. */

/** A number of the file, by its path; a last ".value" is left out. */
export type Measure = { path: string; value: number; deviation?: number | undefined }
export type Direction = "higher" | "lower"
export type Matrix = { labels: string[]; rows: number[][] }
export type Curve = { title: string; x: string; y: string; points: { x: number; y: number }[] }

/** As many as the registry keeps of one file. */
const MOST = 200

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Every number that is reached through objects alone, in the file's order. Matrices and curves are passed over. */
export function measures(document: unknown): Measure[] {
  const found: Measure[] = []
  const walk = (value: unknown, path: string) => {
    if (found.length >= MOST) return
    if (typeof value === "number") found.push({ path, value })
    else if (isObject(value)) {
      const { value: inner, standard_deviation: deviation, ...rest } = value
      if (typeof inner === "number")
        found.push({ path, value: inner, deviation: typeof deviation === "number" ? deviation : undefined })
      const others = typeof inner === "number" ? rest : value
      for (const [name, one] of Object.entries(others)) {
        if (name !== "confusion_matrix") walk(one, path ? `${path}.${name}` : name)
      }
    }
  }
  walk(document, "")
  return found
}

/** The confusion matrix of the file: rows are true labels, columns predicted ones. */
export function confusion(document: unknown): Matrix | undefined {
  const found = member(document, "confusion_matrix")
  if (!isObject(found)) return undefined
  const labels = [
    ...new Set([
      ...Object.keys(found),
      ...Object.values(found).flatMap((row) => (isObject(row) ? Object.keys(row) : [])),
    ]),
  ]
  const rows = labels.map((truth) =>
    labels.map((said) => {
      const row = found[truth]
      const cell = isObject(row) ? row[said] : undefined
      return typeof cell === "number" ? cell : 0
    }),
  )
  return labels.length ? { labels, rows } : undefined
}

const CURVES = [
  {
    name: "receiver_operating_characteristic_curve",
    title: "ROC curve",
    x: "false_positive_rates",
    y: "true_positive_rates",
  },
  { name: "precision_recall_curve", title: "Precision and recall", x: "recalls", y: "precisions" },
] as const

/** The curves that the published shape of model quality knows. */
export function curves(document: unknown): Curve[] {
  return CURVES.flatMap(({ name, title, x, y }) => {
    const found = member(document, name)
    if (!isObject(found)) return []
    const [xs, ys] = [found[x], found[y]]
    if (!Array.isArray(xs) || !Array.isArray(ys)) return []
    const points = xs
      .map((one, at) => ({ x: Number(one), y: Number(ys[at]) }))
      .filter((one) => Number.isFinite(one.x) && Number.isFinite(one.y))
      .sort((a, b) => a.x - b.x)
    return points.length > 1 ? [{ title, x: x.replaceAll("_", " "), y: y.replaceAll("_", " "), points }] : []
  })
}

function member(document: unknown, name: string): unknown {
  if (!isObject(document)) return undefined
  if (name in document) return document[name]
  for (const inner of Object.values(document)) {
    const found = member(inner, name)
    if (found !== undefined) return found
  }
  return undefined
}

/** Each path by as few of its last words as tell it from the others: "mse" for regression_metrics.mse. */
export function shortNames(paths: readonly string[]): Record<string, string> {
  const split = paths.map((path) => path.split("."))
  return Object.fromEntries(
    split.map((words) => {
      for (let many = 1; many <= words.length; many++) {
        const told = words.slice(-many).join(".")
        if (split.filter((other) => other.slice(-many).join(".") === told).length === 1) return [words.join("."), told]
      }
      return [words.join("."), words.join(".")]
    }),
  )
}

const LOWER =
  /^(mae|mse|rmse|rmsle|mape|smape|msle|log_?loss|.*loss|.*errors?|error_rate|merror|deviance|perplexity|brier.*|false_(positive|negative)_rate|fpr|fnr|hinge|wer|cer)$/
const HIGHER =
  /^(accuracy|auc|au_?prc|pr_auc|roc_auc|precision|recall|r2|f[0-9](_[0-9])?|true_(positive|negative)_rate|tpr|tnr|sensitivity|specificity|ndcg|map|kappa|mcc|balanced_accuracy|macro_f1|micro_f1|gini|hit_rate|bleu|rouge.*)$/

/** Whether more or less of it is better, as far as the name tells; undefined: nobody says which is best. */
export function better(path: string): Direction | undefined {
  const last = (path.split(".").at(-1) ?? "").toLowerCase()
  // What says only how hard the data are, such as the constant guess, is nobody's merit.
  if (/best_constant|_of_the_mean|baseline/.test(path)) return undefined
  const bare = last.replace(/^.*:/, "").replace(/^(weighted|macro|micro|mean|test|validation|train|eval)_/, "")
  if (LOWER.test(bare)) return "lower"
  return HIGHER.test(bare) ? "higher" : undefined
}

/** Where the best stand; none when all are alike, or only one is known. */
export function bestOf(values: readonly (number | undefined)[], direction: Direction | undefined): Set<number> {
  const known = values.filter((one): one is number => one !== undefined && Number.isFinite(one))
  if (direction === undefined || known.length < 2 || new Set(known).size === 1) return new Set()
  const best = direction === "higher" ? Math.max(...known) : Math.min(...known)
  return new Set(values.flatMap((one, at) => (one === best ? [at] : [])))
}

/** The paths of all versions, those that tell most first: named measures of merit, then in the files' order. */
export function ranked(versions: readonly (readonly Measure[])[]): string[] {
  const paths = [...new Set(versions.flatMap((one) => one.map((measure) => measure.path)))]
  const merit = (path: string) => (better(path) === undefined ? 1 : 0)
  return paths
    .map((path, at) => ({ path, at }))
    .sort((a, b) => merit(a.path) - merit(b.path) || a.at - b.at)
    .map((one) => one.path)
}
