/** What the model said: a class with its probabilities as bars, a number in big, or the text as it came. */
import { number, percent } from "../../parts/format"
import { type Child, fill, h } from "../dom"
import { type Answer, meets } from "../logic/answer"
import type { Example, Output } from "../logic/document"
import { told } from "../logic/failure"
import { plain } from "../logic/json"

export type AnswerView = {
  element: HTMLElement
  waiting: () => void
  show: (answer: Answer, took: number, example: Example | undefined) => void
  fail: (error: unknown) => void
  /** The inputs are others now than those that were answered. */
  stale: (is: boolean) => void
}

/** More classes than this are one list to open. */
const MOST_BARS = 8

export function answerView(output: Output): AnswerView {
  const body = h("div", { class: "said" })
  // What is read aloud is one sentence; the bars can be visited.
  const aloud = h("p", { class: "unseen", role: "status" })
  const element = h("section", { class: "card answer", "aria-labelledby": "answer-title" })
  fill(element, h("h2", { id: "answer-title" }, "Answer"), aloud, body)
  fill(body, h("p", { class: "nothing" }, "Fill in the form and ask. The model's answer appears here."))
  let ticking: ReturnType<typeof setInterval> | undefined

  const draw = (...children: Child[]) => {
    clearInterval(ticking)
    element.classList.remove("busy", "stale")
    fill(body, ...children)
  }
  return {
    element,
    waiting: () => element.classList.add("busy"),
    stale: (is) => element.classList.toggle("stale", is),
    show: (answer, took, example) => {
      draw(...drawn(answer, output), expectation(answer, example, output), h("p", { class: "took" }, tookWords(took)))
      aloud.textContent = `The answer: ${spoken(answer, output)}`
    },
    fail: (error) => {
      const { title, words, todo } = told(error)
      const wait = h("p", { class: "todo" }, todo)
      draw(h("div", { class: "failure", role: "alert" }, h("strong", {}, title), h("p", {}, words), wait))
      aloud.textContent = ""
      const after = error instanceof Error && "after" in error ? (error.after as number | undefined) : undefined
      if (after === undefined || after <= 0) return
      let left = Math.ceil(after)
      const tick = () => {
        wait.textContent = left > 0 ? `Ask again in ${left} s.` : "You can ask again now."
        if (left-- <= 0) clearInterval(ticking)
      }
      tick()
      ticking = setInterval(tick, 1_000)
    },
  }
}

const tookWords = (ms: number) => `answered in ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`

function drawn(answer: Answer, output: Output): Child[] {
  if (answer.kind === "raw")
    return [
      h(
        "pre",
        { class: "raw", tabindex: 0, role: "group", "aria-label": "The answer as it came" },
        answer.text || "(an empty answer)",
      ),
    ]
  if (answer.kind === "number") {
    const { title = "", unit = "" } = output.kind === "number" ? output : {}
    return [
      title && h("p", { class: "over" }, title),
      h("p", { class: "big" }, number(answer.value), unit && h("span", { class: "unit" }, ` ${unit}`)),
    ]
  }
  const [first, rest] = [answer.bars.slice(0, MOST_BARS), answer.bars.slice(MOST_BARS)]
  return [
    h(
      "p",
      { class: "big" },
      answer.label,
      answer.share !== undefined && h("span", { class: "unit" }, ` ${percent(answer.share)}`),
    ),
    first.length > 0 && bars(first, answer.label),
    rest.length > 0 && h("details", {}, h("summary", {}, `${rest.length} more`), bars(rest, answer.label)),
  ]
}

function bars(list: readonly { label: string; share: number }[], best: string): HTMLElement {
  const rows = list.map(({ label, share }) => {
    const bar = h("span", { class: "bar" })
    bar.style.setProperty("--share", `${Math.max(0, Math.min(100, share * 100))}%`)
    return h(
      "li",
      { class: label === best ? "best" : "" },
      h("span", { class: "label" }, label),
      h("span", { class: "track", "aria-hidden": "true" }, bar),
      h("span", { class: "percent" }, percent(share)),
    )
  })
  return h("ul", { class: "bars", "aria-label": "Probabilities" }, ...rows)
}

function expectation(answer: Answer, example: Example | undefined, output: Output): Child {
  if (example?.expected === undefined) return null
  const met = meets(answer, example.expected, output)
  const unit = output.kind === "number" && output.unit ? ` ${output.unit}` : ""
  const expected = `Expected: ${expectedWords(example, output)}${unit}`
  if (met === undefined) {
    const off = answer.kind === "number" ? answer.value - Number(example.expected) : Number.NaN
    const words = Number.isNaN(off) ? "" : ` · ${off >= 0 ? "+" : "−"}${number(Math.abs(off))}`
    return h("p", { class: "expected" }, expected + words)
  }
  const words = met ? " · as answered" : " · the model says otherwise"
  return h("p", { class: `expected ${met ? "met" : "missed"}` }, expected + words)
}

function expectedWords(example: Example, output: Output): string {
  const { expected } = example
  if (output.kind === "classes" && typeof expected === "number") return output.labels[expected] ?? plain(expected)
  return plain(expected)
}

function spoken(answer: Answer, output: Output): string {
  if (answer.kind === "raw") return answer.text.slice(0, 200)
  if (answer.kind === "class") return answer.label + (answer.share === undefined ? "" : `, ${percent(answer.share)}`)
  return `${number(answer.value)} ${output.kind === "number" ? (output.unit ?? "") : ""}`.trim()
}
