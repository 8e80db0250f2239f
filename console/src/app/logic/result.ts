/** The person's file with the answers beside it: every row of it, in its order. */
import { inShort } from "./answer"
import type { Outcome } from "./batch"
import type { Output } from "./document"
import type { Mapped } from "./mapping"

export type Result = {
  header: string[]
  rows: string[][]
  /** How many of the columns are the file's own. */
  own: number
  /** Columns that hold a probability of one class: the file has them, a first look does not need them. */
  shares: { from: number; to: number }
}

export function resultOf(mapped: Mapped, outcomes: readonly (Outcome | undefined)[], output: Output): Result {
  const labels = output.kind === "classes" && outcomes.some(hasShares) ? output.labels : []
  const refused = new Map(mapped.refused.map((one) => [one.line, one.reason]))
  const byLine = new Map(mapped.rows.map((one, at) => [one.line, outcomes[at]]))
  const failed = refused.size > 0 || outcomes.some((one) => one === undefined || "problem" in one)
  const own = mapped.header.length
  const added = ["answer", ...(labels.length ? ["probability", ...labels.map((one) => `p_${one}`)] : [])]
  if (failed) added.push("problem")
  const shares = { from: own + 2, to: own + 2 + labels.length }
  const rows = mapped.all.map(({ cells, line }) => {
    const kept = Array.from({ length: own }, (_, at) => cells[at] ?? "")
    const outcome = byLine.get(line)
    const problem =
      refused.get(line) ?? (outcome === undefined ? "not asked" : "problem" in outcome ? outcome.problem : "")
    return [...kept, ...answerCells(outcome, labels), ...(failed ? [problem] : [])]
  })
  return { header: [...mapped.header, ...added.map((name) => free(name, mapped.header))], rows, own, shares }
}

const hasShares = (one: Outcome | undefined): boolean =>
  one !== undefined && "answer" in one && one.answer.kind === "class" && one.answer.bars.length > 0

function answerCells(outcome: Outcome | undefined, labels: readonly string[]): string[] {
  const answer = outcome && "answer" in outcome ? outcome.answer : undefined
  const cells = [answer ? inShort(answer) : ""]
  if (!labels.length) return cells
  const shares = answer?.kind === "class" ? answer : undefined
  cells.push(shares?.share === undefined ? "" : String(shares.share))
  for (const label of labels) cells.push(String(shares?.bars.find((one) => one.label === label)?.share ?? ""))
  return cells
}

/** A name that no column of the file has. */
function free(name: string, taken: readonly string[]): string {
  let [found, n] = [name, 2]
  while (taken.includes(found)) found = `${name}_${n++}`
  return found
}
