/** Tabs as the ARIA practices have them: arrows move, one panel is seen. */
import { fresh, h } from "../dom"

export type Tab = { id: string; title: string; panel: HTMLElement; shown?: () => void }

/** `kept`: the name in sessionStorage under which the chosen tab is remembered; "": it is not. */
export function tabs(list: readonly Tab[], label: string, kept = ""): { bar: HTMLElement; show: (id: string) => void } {
  const buttons = list.map((one) => {
    const id = fresh("tab")
    one.panel.setAttribute("role", "tabpanel")
    one.panel.setAttribute("aria-labelledby", id)
    const button = h("button", { type: "button", role: "tab", id }, one.title)
    button.onclick = () => show(one.id)
    return button
  })
  const bar = h("div", { class: "tabs", role: "tablist", "aria-label": label }, ...buttons)
  bar.onkeydown = (event) => {
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
    const next = to === undefined ? undefined : buttons.at(to % buttons.length)
    const tab = next && list[buttons.indexOf(next)]
    if (!next || !tab) return
    event.preventDefault()
    show(tab.id)
    next.focus()
  }

  function show(id: string) {
    for (const [at, one] of list.entries()) {
      const chosen = one.id === id
      one.panel.hidden = !chosen
      buttons[at]?.setAttribute("aria-selected", String(chosen))
      buttons[at]?.setAttribute("tabindex", chosen ? "0" : "-1")
      if (chosen) one.shown?.()
    }
    if (kept) sessionStorage.setItem(kept, id)
  }
  const before = kept ? sessionStorage.getItem(kept) : null
  show(list.find((one) => one.id === before)?.id ?? list[0]?.id ?? "")
  return { bar, show }
}
