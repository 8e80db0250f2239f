/** Many rows: a CSV goes in, is looked at, is asked, and comes back with the answers beside it. */
import { count, duration, percent } from "../../parts/format"
import { filesName, save } from "../../parts/save"
import { fill, fresh, h, ICONS, icon } from "../dom"
import type { Answer } from "../logic/answer"
import { inShort } from "../logic/answer"
import { chunkFor, type Outcome, type Progress, run } from "../logic/batch"
import { line, rowsOf } from "../logic/csv"
import type { PageDocument } from "../logic/document"
import { told } from "../logic/failure"
import type { Field } from "../logic/fields"
import { type Mapped, map } from "../logic/mapping"
import { type Result, resultOf } from "../logic/result"
import { type Values, written } from "../logic/values"
import { onDrop } from "./field"

type Options = {
  endpoint: string
  document: PageDocument
  fields: readonly Field[]
  /** Rows a request; 1: the model takes one at a time. */
  together: boolean
  ask: (rows: readonly Values[], signal: AbortSignal) => Promise<Answer[] | null>
}

const REFUSED_SHOWN = 20
const PREVIEW_ROWS = 20

export function batchView({ endpoint, document, fields, together, ask }: Options): HTMLElement {
  const id = fresh("csv")
  const pick = h("input", { type: "file", id, accept: ".csv,text/csv,.tsv,.txt", class: "pick" })
  const drop = h(
    "div",
    { class: "drop" },
    icon(ICONS.upload, 28),
    h("label", { for: id }, "Drop a CSV here, or pick one"),
    pick,
  )
  const template = h("button", { type: "button", class: "link" }, "Download a template")
  template.onclick = () => save(templateOf(document, fields), `${filesName(endpoint)}-template.csv`, "text/csv")
  const columns = fields.map((one) => one.title).join(", ")
  const help = h(
    "p",
    { class: "help" },
    `One row a question. Columns: ${columns}; others are carried along. `,
    template,
  )
  const stage = h("div", { class: "stage" })
  onDrop(drop, (file) => void take(file))
  pick.onchange = () => {
    const file = pick.files?.[0]
    if (file) void take(file)
    pick.value = ""
  }

  async function take(file: File) {
    const text = await file.text()
    const mapped = map([...rowsOf(text)], fields)
    if ("problem" in mapped) {
      fill(
        stage,
        h(
          "div",
          { class: "failure", role: "alert" },
          h("strong", {}, `${file.name} cannot be read`),
          h("p", {}, mapped.problem),
        ),
      )
      return
    }
    const start = h("button", { type: "button", class: "primary" }, `Ask for ${rows(mapped.rows.length)}`)
    start.onclick = () => void go(file.name, mapped)
    fill(
      stage,
      h("h3", {}, file.name),
      h(
        "p",
        {},
        `${rows(mapped.rows.length)} to ask. ${mapped.hasHeader ? "" : "No header: columns are taken in the form's order. "}${mapped.unused.length ? `Not used: ${mapped.unused.join(", ")}.` : ""}`,
      ),
      refusedList(mapped),
      mapped.rows.length > 0 && start,
    )
  }

  async function go(name: string, mapped: Mapped) {
    const stop = new AbortController()
    const bar = h("progress", { max: mapped.rows.length, value: 0, "aria-label": "Rows asked" })
    const words = h("p", { class: "counts" }, "Asking …")
    const cancel = h("button", { type: "button", class: "small" }, "Cancel")
    cancel.onclick = () => stop.abort()
    fill(stage, h("h3", {}, name), bar, h("div", { class: "row" }, words, cancel))
    const began = performance.now()
    const { outcomes, stopped } = await run({
      rows: mapped.rows.map((one) => one.values),
      ask,
      chunk: together ? chunkFor(mapped.rows.length) : 1,
      signal: stop.signal,
      onProgress: (progress) => {
        bar.value = progress.done
        words.textContent = progressWords(progress)
      },
    })
    const result = resultOf(mapped, outcomes, document.output)
    const end = {
      stopped: stopped ? told(stopped) : null,
      cancelled: stop.signal.aborted,
      took: performance.now() - began,
    }
    fill(stage, ...finished(name, mapped, outcomes, result, end))
  }

  function finished(
    name: string,
    mapped: Mapped,
    outcomes: readonly (Outcome | undefined)[],
    result: Result,
    end: { stopped: ReturnType<typeof told> | null; cancelled: boolean; took: number },
  ) {
    const answered = outcomes.filter((one) => one && "answer" in one).length
    const failed = outcomes.filter((one) => one && "problem" in one).length
    const download = h("button", { type: "button", class: "primary" }, "Download with answers")
    download.onclick = () => {
      const csv = [result.header, ...result.rows].map(line).join("\r\n")
      save(`${csv}\r\n`, `${filesName(name.replace(/\.\w+$/, ""))}-answers.csv`, "text/csv")
    }
    const said = [
      `${rows(answered)} answered in ${duration(end.took)}`,
      failed ? `${rows(failed)} failed` : "",
      mapped.refused.length ? `${rows(mapped.refused.length)} not sent` : "",
      end.cancelled ? "cancelled before the rest" : "",
    ]
    return [
      h("h3", {}, name),
      end.stopped &&
        h(
          "div",
          { class: "failure", role: "alert" },
          h("strong", {}, end.stopped.title),
          h("p", {}, end.stopped.words),
        ),
      h("p", { role: "status" }, `${said.filter(Boolean).join(", ")}.`),
      tally(outcomes),
      h("div", { class: "row" }, download),
      preview(result),
      refusedList(mapped),
    ]
  }

  return h("div", { class: "batch" }, drop, help, stage)
}

const rows = (n: number) => `${count(n)} ${n === 1 ? "row" : "rows"}`

function progressWords(progress: Progress): string {
  const { done, total, began, waiting, failed } = progress
  const seconds = (Date.now() - began) / 1000
  const rate = seconds > 0.5 && done > 0 ? done / seconds : undefined
  const words = [`${count(done)} of ${rows(total)}`]
  if (rate !== undefined) words.push(`${count(rate)} a second`, `${duration(((total - done) / rate) * 1000)} left`)
  if (failed) words.push(`${count(failed)} failed`)
  if (waiting) words.push(`the page's limit is reached: going on in ${waiting} s`)
  return words.join(" · ")
}

function refusedList(mapped: Mapped): HTMLElement | null {
  const { refused } = mapped
  if (!refused.length) return null
  const items = refused.slice(0, REFUSED_SHOWN).map((one) => h("li", {}, h("b", {}, `Line ${one.line}: `), one.reason))
  const more = refused.length - REFUSED_SHOWN
  return h(
    "details",
    { class: "refused", open: true },
    h("summary", {}, `${rows(refused.length)} cannot be sent`),
    h("ul", {}, ...items, more > 0 && h("li", {}, `and ${count(more)} more`)),
  )
}

/** How often each class was answered. */
function tally(outcomes: readonly (Outcome | undefined)[]): HTMLElement | null {
  const counts = new Map<string, number>()
  for (const one of outcomes) {
    if (one && "answer" in one && one.answer.kind === "class") {
      const label = inShort(one.answer)
      counts.set(label, (counts.get(label) ?? 0) + 1)
    }
  }
  if (counts.size === 0) return null
  const all = [...counts.values()].reduce((sum, one) => sum + one, 0)
  const items = [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([label, n]) => {
      const bar = h("span", { class: "bar" })
      bar.style.setProperty("--share", `${(100 * n) / all}%`)
      return h(
        "li",
        {},
        h("span", { class: "label" }, label),
        h("span", { class: "track", "aria-hidden": "true" }, bar),
        h("span", { class: "percent" }, count(n)),
      )
    })
  return h("ul", { class: "bars", "aria-label": "How often each class was answered" }, ...items)
}

function preview(result: Result): HTMLElement {
  const { own, shares } = result
  const all = result.header.map((_, at) => at).filter((at) => at < shares.from || at >= shares.to)
  // The answers first: on a phone they would be out of sight behind the file's own columns.
  const seen = [...all.filter((at) => at >= own), ...all.filter((at) => at < own)]
  const kind = (at: number) => (at >= own ? "added" : "")
  const isShare = (at: number) => shares.to > shares.from && at === own + 1
  const words = (cells: readonly string[], at: number) =>
    isShare(at) && cells[at] ? percent(Number(cells[at])) : (cells[at] ?? "")
  const head = seen.map((at) => h("th", { scope: "col", class: kind(at) }, result.header[at]))
  const body = result.rows
    .slice(0, PREVIEW_ROWS)
    .map((cells) => h("tr", {}, ...seen.map((at) => h("td", { class: kind(at) }, words(cells, at)))))
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...body))
  const more = result.rows.length > PREVIEW_ROWS ? `The first ${PREVIEW_ROWS} of ${rows(result.rows.length)}. ` : ""
  const note = shares.to > shares.from ? "The file has the probability of every class." : ""
  return h(
    "div",
    {},
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "The first answers" }, table),
    (more || note) && h("p", { class: "help" }, more + note),
  )
}

function templateOf(document: PageDocument, fields: readonly Field[]): string {
  const examples = document.examples.map((one) => line(fields.map((field) => written(field, one.values[field.name]))))
  return `${[line(fields.map((one) => one.name)), ...examples].join("\r\n")}\r\n`
}
