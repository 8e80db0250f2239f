/** What was asked on this page before: a table, from which inputs come back into the form. */
import { count, percent } from "../../parts/format"
import { filesName, save } from "../../parts/save"
import { fill, h } from "../dom"
import { inShort } from "../logic/answer"
import { asCsv, type History, type Try } from "../logic/history"

export type Column = { name: string; title: string }

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" })
const SHOWN = 10
const MOST_LETTERS = 48

export function historyView(history: History, columns: readonly Column[], endpoint: string, back: (one: Try) => void) {
  const element = h("section", { class: "card history", "aria-labelledby": "history-title" })
  let whole = false

  const draw = () => {
    const tries = history.list()
    element.hidden = tries.length === 0
    if (element.hidden) return
    const clear = h("button", { type: "button", class: "small" }, "Clear")
    clear.onclick = () => {
      history.clear()
      draw()
    }
    const download = h("button", { type: "button", class: "small" }, "Download CSV")
    download.onclick = () => {
      const names = columns.map((one) => one.name)
      save(asCsv(tries, names), `${filesName(endpoint)}-tries.csv`, "text/csv")
    }
    const more = h("button", { type: "button", class: "small" }, `Show all ${tries.length}`)
    more.onclick = () => {
      whole = true
      draw()
    }
    const shares = tries.some((one) => one.answer.kind === "class" && one.answer.share !== undefined)
    const head = [
      ["Answer", ""],
      ...(shares ? [["Probability", "right"]] : []),
      ["Inputs", ""],
      ["Took", "right wide"],
      ["Time", "right wide"],
    ]
    const rows = (whole ? tries : tries.slice(0, SHOWN)).map((one) => row(one, columns, shares, () => back(one)))
    const table = h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...head.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)))),
      h("tbody", {}, ...rows),
    )
    fill(
      element,
      h(
        "div",
        { class: "head" },
        h("h2", { id: "history-title" }, "Your tries"),
        h("div", { class: "row" }, download, clear),
      ),
      h("div", { class: "scroll", tabindex: 0, role: "group", "aria-labelledby": "history-title" }, table),
      !whole && tries.length > SHOWN && more,
      h(
        "p",
        { class: "help" },
        `Click an answer to bring its inputs back. ${count(tries.length)} of at most 50, kept in this tab only.`,
      ),
    )
  }
  draw()
  return {
    element,
    add: (one: Try) => {
      history.add(one)
      draw()
    },
  }
}

function row(one: Try, columns: readonly Column[], shares: boolean, back: () => void): HTMLElement {
  const inputs = columns
    .filter(({ name }) => one.inputs[name])
    .map(({ name, title }) => {
      const words = one.inputs[name] ?? ""
      return h(
        "span",
        { class: "pair" },
        h("span", { class: "soft" }, `${title} `),
        words.length > 80 ? `${words.slice(0, 80)}…` : words,
      )
    })
  const share = one.answer.kind === "class" ? one.answer.share : undefined
  const when = TIME.format(new Date(one.at))
  const said = inShort(one.answer).replace(/\s+/g, " ").trim() || "(empty)"
  const words = said.length > MOST_LETTERS ? `${said.slice(0, MOST_LETTERS)}…` : said
  const again = h("button", { type: "button", class: "link", title: "Bring this try back" }, words)
  again.onclick = back
  return h(
    "tr",
    {},
    h("td", {}, again),
    shares && h("td", { class: "right" }, percent(share)),
    h("td", { class: "pairs" }, ...inputs),
    h("td", { class: "right soft wide" }, `${Math.round(one.took)} ms`),
    h("td", { class: "right soft wide" }, when),
  )
}
