/** The request of the form as a program, in five languages. */
import { copy } from "../../parts/clipboard"
import { copyButton, fill, h } from "../dom"
import { type Ask, snippets } from "../logic/snippets"
import { tabs } from "./tabs"

/** `asked` tells the request as the form stands now; null: the form is not filled in. */
export function codeView(asked: () => Omit<Ask, "reveal"> | null) {
  let reveal = false
  let [shownTab, drawn] = ["curl", ""]
  const element = h("div", { class: "code" })

  const draw = () => {
    const ask = asked()
    const key = JSON.stringify([ask, reveal])
    if (key === drawn) return
    drawn = key
    if (!ask) {
      fill(element, h("p", { class: "nothing" }, "Fill in the form first: the programs ask with its inputs."))
      return
    }
    const list = snippets({ ...ask, reveal }).map((one) => {
      const panel = h("div", { class: "snippet" })
      const text = h("pre", { tabindex: 0, role: "group", "aria-label": `${one.title} program` }, one.text)
      fill(
        panel,
        text,
        h(
          "div",
          { class: "row" },
          copyButton(() => one.text, copy),
          one.note && h("p", { class: "help" }, one.note),
        ),
      )
      const shown = () => {
        shownTab = one.id
      }
      return { id: one.id, title: one.title, panel, shown }
    })
    const before = shownTab
    const { bar, show } = tabs(list, "Language")
    bar.classList.add("minor")
    show(before)
    fill(element, h("div", { class: "head" }, bar, ask.token !== "" && revealer()), ...list.map((one) => one.panel))
  }

  const revealer = () => {
    const button = h("button", { type: "button", class: "small" }, reveal ? "Hide the token" : "Show the token")
    button.onclick = () => {
      reveal = !reveal
      draw()
    }
    return button
  }
  return { element, draw }
}
