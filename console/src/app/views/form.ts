/** The form of the model's inputs, with its examples above. */
import { fill, h } from "../dom"
import type { Example } from "../logic/document"
import type { Field } from "../logic/fields"
import type { Value, Values } from "../logic/values"
import { control } from "./field"

export type Form = {
  element: HTMLElement
  /** What stands in the form; `problems`: by the names of fields, empty when the model can be asked. */
  read: () => { values: Values; problems: Map<string, string> }
  set: (values: Values) => void
  /** The example whose inputs stand in the form; undefined: none, or they were changed. */
  example: () => Example | undefined
  /** Shows what is wrong, and puts the cursor there. */
  complain: (problems: Map<string, string>, focus: boolean) => void
}

export function form(fields: readonly Field[], examples: readonly Example[], changed: () => void): Form {
  let chosen: Example | undefined
  const controls = new Map(fields.map((field) => [field.name, control(field, touched)]))

  function touched() {
    choose(undefined)
    const { problems } = read()
    // What was wrong may be right now; what is wrong only now is not said before the person asks.
    for (const [name, one] of controls) if (!problems.has(name)) one.complain("")
    changed()
  }

  const chips = examples.map((example) => {
    const chip = h("button", { type: "button", class: "chip", "aria-pressed": "false" }, example.title)
    chip.onclick = () => {
      set(example.values)
      choose(example)
      changed()
    }
    return chip
  })

  function choose(example: Example | undefined) {
    chosen = example
    for (const [at, chip] of chips.entries()) chip.setAttribute("aria-pressed", String(examples[at] === example))
  }

  function read() {
    const values: Values = {}
    const problems = new Map<string, string>()
    for (const [name, one] of controls) {
      const said = one.read()
      if ("problem" in said) problems.set(name, said.problem)
      else if (said.value !== undefined) values[name] = said.value as Value
    }
    return { values, problems }
  }

  function set(values: Values) {
    for (const [name, one] of controls) {
      one.set(values[name])
      one.complain("")
    }
    choose(examples.find((one) => same(one.values, values)))
  }

  const element = h("div", { class: "form" })
  const list = h("div", { class: "chips", role: "group", "aria-label": "Examples" }, ...chips)
  fill(element, chips.length > 0 && list, ...[...controls.values()].map((one) => one.element))
  return {
    element,
    read,
    set,
    example: () => chosen,
    complain: (problems, focus) => {
      for (const [name, one] of controls) one.complain(problems.get(name) ?? "")
      const [first] = problems.keys()
      if (focus && first !== undefined) controls.get(first)?.focus()
    },
  }
}

const same = (a: Values, b: Values): boolean => {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) => a[name] === b[name])
}
