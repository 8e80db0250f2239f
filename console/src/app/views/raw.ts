/** Where nothing is known of the model's inputs: a box for the body, with its content type. */
import { fresh, h } from "../dom"
import type { Body } from "../logic/body"
import { onDrop } from "./field"

const TYPES = ["text/csv", "application/json", "application/jsonlines", "text/plain", "application/x-image"]
const ACCEPTS = ["", "text/csv", "application/json", "application/jsonlines", "text/plain"]

export type RawForm = {
  element: HTMLElement
  /** null: nothing stands in the box, and the person is told when `loud`. */
  read: (loud: boolean) => { body: Body; accept: string; file: string } | null
  set: (inputs: Record<string, string>) => void
}

export function rawForm(changed: () => void): RawForm {
  const ids = {
    body: fresh("body"),
    type: fresh("type"),
    accept: fresh("accept"),
    file: fresh("file"),
    problem: fresh("problem"),
  }
  let file: File | undefined
  const box = h("textarea", {
    id: ids.body,
    rows: 8,
    spellcheck: "false",
    class: "mono",
    "aria-describedby": ids.problem,
  })
  const type = h("input", { type: "text", id: ids.type, list: "types", value: "text/csv", autocomplete: "off" })
  const accept = h("input", {
    type: "text",
    id: ids.accept,
    list: "accepts",
    placeholder: "as the model likes",
    autocomplete: "off",
  })
  const problem = h("p", { class: "problem", id: ids.problem, hidden: true })
  const pick = h("input", { type: "file", id: ids.file })
  const clear = h("button", { type: "button", class: "small", hidden: true }, "Use the text instead")

  const take = (next: File | undefined) => {
    file = next
    box.disabled = next !== undefined
    clear.hidden = next === undefined
    if (next?.type) type.value = next.type
    if (!next) pick.value = ""
    changed()
  }
  pick.onchange = () => take(pick.files?.[0])
  clear.onclick = () => take(undefined)
  onDrop(box, take)
  for (const one of [box, type, accept]) one.oninput = changed

  const list = (id: string, options: string[]) =>
    h("datalist", { id }, ...options.map((value) => h("option", { value })))
  return {
    element: h(
      "div",
      { class: "form" },
      h("div", { class: "field" }, h("label", { for: ids.body }, "Request body"), box, problem),
      h("div", { class: "field" }, h("label", { for: ids.file }, "Or a file"), h("div", { class: "row" }, pick, clear)),
      h(
        "div",
        { class: "pairwise" },
        h("div", { class: "field" }, h("label", { for: ids.type }, "Content type"), type),
        h("div", { class: "field" }, h("label", { for: ids.accept }, "Answer as"), accept),
      ),
      list("types", TYPES),
      list("accepts", ACCEPTS.filter(Boolean)),
    ),
    read: (loud) => {
      const empty = file === undefined && box.value === ""
      const words = empty
        ? "Write the body of the request."
        : type.value.trim() === ""
          ? "A content type is needed."
          : ""
      if (loud || words === "") {
        problem.textContent = words
        problem.hidden = words === ""
        box.setAttribute("aria-invalid", String(words !== ""))
        if (words) box.focus()
      }
      if (words) return null
      return {
        body: { content: file ?? box.value, contentType: type.value.trim() },
        accept: accept.value.trim(),
        file: file?.name ?? "",
      }
    },
    set: (inputs) => {
      file = undefined
      box.disabled = false
      clear.hidden = true
      pick.value = ""
      box.value = inputs.body ?? ""
      type.value = inputs["content type"] || "text/csv"
      accept.value = inputs.accept ?? ""
      changed()
    },
  }
}
