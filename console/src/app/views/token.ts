/** The door of a page that is not open to all. */
import { fresh, h, ICONS, icon } from "../dom"

export function tokenBox(problem: string, take: (token: string) => void): HTMLElement {
  const ids = { box: fresh("token"), problem: fresh("problem") }
  const box = h("input", {
    type: "password",
    id: ids.box,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": ids.problem,
    "aria-invalid": String(problem !== ""),
  })
  const words = h("p", { class: "problem", id: ids.problem, hidden: problem === "", role: "alert" }, problem)
  const form = h(
    "form",
    { class: "card door", novalidate: true },
    h("h2", {}, "This page needs a token"),
    h("p", { class: "help" }, "Whoever gave you the link has it too. It stays in this tab."),
    h("div", { class: problem ? "field wrong" : "field" }, h("label", { for: ids.box }, "Token"), box, words),
    h("button", { type: "submit", class: "primary" }, icon(ICONS.check), "Open the page"),
  )
  form.onsubmit = (event) => {
    event.preventDefault()
    const token = box.value.trim()
    if (token) take(token)
    else {
      words.textContent = "Write the token first."
      words.hidden = false
      box.focus()
    }
  }
  return form
}
