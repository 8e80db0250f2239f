/** One question at a time: the form, the button, the answer beside it. Answers that came too late are dropped. */
import { fill, h } from "../dom"
import type { Answer } from "../logic/answer"
import type { Example, Output } from "../logic/document"
import { answerView } from "./answer"

export type Found = {
  answer: Answer
  took: number
  /** The words of the inputs, by their names. */
  inputs: Record<string, string>
  example?: Example | undefined
}

type Options = {
  form: HTMLElement
  output: Output
  /** Asks with what stands in the form; null: it is not filled in, and says so when `loud`. */
  ask: (loud: boolean, signal: AbortSignal) => Promise<Found | null>
  /** An answer that is shown now. */
  answered: (found: Found, live: boolean) => void
  refused: (error: unknown) => void
}

const SETTLED_MS = 250
const LIVE = "clary.app.live"

export function askView({ form, output, ask, answered, refused }: Options) {
  const view = answerView(output)
  const button = h("button", { type: "submit", class: "primary" }, "Ask the model")
  const live = h("input", { type: "checkbox", role: "switch" })
  live.checked = sessionStorage.getItem(LIVE) === "yes"
  live.onchange = () => {
    sessionStorage.setItem(LIVE, live.checked ? "yes" : "no")
    if (live.checked) void go(true)
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking: AbortController | undefined

  async function go(isLive: boolean) {
    clearTimeout(timer)
    asking?.abort()
    const mine = new AbortController()
    asking = mine
    view.waiting()
    try {
      const found = await ask(!isLive, mine.signal)
      if (mine !== asking) return
      if (found) {
        view.show(found.answer, found.took, found.example)
        answered(found, isLive)
        if (!isLive) seen(view.element)
      } else view.stale(true)
    } catch (error) {
      if (mine !== asking || mine.signal.aborted) return
      view.fail(error)
      refused(error)
      if (!isLive) seen(view.element)
    } finally {
      if (mine === asking) {
        asking = undefined
        view.element.classList.remove("busy")
      }
    }
  }

  const element = h("form", { class: "ask", novalidate: true })
  element.onsubmit = (event) => {
    event.preventDefault()
    void go(false)
  }
  const liveLabel = h("label", { class: "check" }, live, "Ask while I change the inputs")
  fill(element, h("section", { class: "card" }, form, h("div", { class: "actions" }, button, liveLabel)), view.element)
  return {
    element,
    /** An answer of before is brought back, with its inputs. */
    show: (answer: Answer, took: number) => {
      asking?.abort()
      clearTimeout(timer)
      view.show(answer, took, undefined)
    },
    /** The inputs have changed. */
    changed: () => {
      view.stale(true)
      clearTimeout(timer)
      if (live.checked) timer = setTimeout(() => void go(true), SETTLED_MS)
    },
  }
}

/** On a phone the answer stands below the form: it is brought into sight. */
function seen(element: HTMLElement): void {
  const { top } = element.getBoundingClientRect()
  if (top > innerHeight - 120) element.scrollIntoView({ behavior: "smooth", block: "nearest" })
}
