/** One field of the form: its label, its control, and what is wrong with what stands in it. */
import { type Child, fresh, h, ICONS, icon } from "../dom"
import { asSegments, type ChoiceField, type Field, type FileField, type NumberField, sliderStep } from "../logic/fields"
import { type Understood, understand, type Value, written } from "../logic/values"

export type Control = {
  element: HTMLElement
  read: () => { value?: Value } | { problem: string }
  set: (value: Value | undefined) => void
  /** "": all is well. */
  complain: (problem: string) => void
  focus: () => void
}

type Inner = Pick<Control, "element" | "read" | "set"> & {
  /** What gets the cursor. */
  target: HTMLElement
  /** Several controls under one legend. */
  group?: boolean
}

/** `changed` is called after each change by the person. */
export function control(field: Field, changed: () => void): Control {
  const ids = { control: fresh("field"), help: fresh("help"), problem: fresh("problem") }
  const inner = innerOf(field, changed, ids.control)
  const problem = h("p", { class: "problem", id: ids.problem, hidden: true })
  const label = inner.group ? h("legend", {}, ...labelOf(field)) : h("label", { for: ids.control }, ...labelOf(field))
  const help = field.description ? h("p", { class: "help", id: ids.help }, field.description) : null
  const described = [help ? ids.help : "", ids.problem].filter(Boolean).join(" ")
  inner.target.setAttribute("aria-describedby", described)
  const element = h(inner.group ? "fieldset" : "div", { class: "field" }, label, help, inner.element, problem)
  return {
    element,
    read: inner.read,
    set: inner.set,
    focus: () => inner.target.focus(),
    complain: (words) => {
      problem.textContent = words
      problem.hidden = words === ""
      // Radio buttons are invalid as a group, which ARIA says of the group alone.
      if (!inner.group) inner.target.setAttribute("aria-invalid", String(words !== ""))
      element.classList.toggle("wrong", words !== "")
    },
  }
}

const labelOf = (field: Field): Child[] => [
  field.title,
  field.kind === "number" && field.unit ? h("span", { class: "unit" }, ` ${field.unit}`) : null,
  !field.required && h("span", { class: "optional" }, " optional"),
]

function innerOf(field: Field, changed: () => void, id: string): Inner {
  switch (field.kind) {
    case "choice":
      return asSegments(field) ? segments(field, changed, id) : list(field, changed, id)
    case "boolean":
      // A switch is always on or off: where nothing may be said too, it is a choice.
      return field.required ? toggle(changed, id) : segments({ ...field, kind: "choice", options: YES_NO }, changed, id)
    case "number":
      return number(field, changed, id)
    case "file":
      return drop(field, changed, id)
    case "text":
      return text(field, changed, id)
  }
}

const NONE = -1
const YES_NO = [
  { value: true, title: "yes", words: [] },
  { value: false, title: "no", words: [] },
]

/** Few choices stand side by side: radio buttons that look like one bar. */
function segments(field: ChoiceField, changed: () => void, id: string): Inner {
  const options = field.options.map((one, at) => ({ title: one.title, at }))
  if (!field.required) options.unshift({ title: "–", at: NONE })
  const radios = options.map(({ at }, n) =>
    h("input", { type: "radio", name: id, id: n === 0 ? id : fresh("radio"), value: at, onchange: changed }),
  )
  const labels = options.map(({ title }, n) =>
    h(
      "label",
      { class: "segment" },
      radios[n],
      h("span", { "aria-label": title === "–" ? "nothing" : undefined }, title),
    ),
  )
  const [first] = radios
  if (!field.required && first) first.checked = true
  return {
    element: h("div", { class: "segments" }, ...labels),
    target: first ?? h("span"),
    group: true,
    read: () => {
      const chosen = radios.find((one) => one.checked)
      return ofOption(field, chosen ? Number(chosen.value) : NONE)
    },
    set: (value) => {
      const at = field.options.findIndex((one) => one.value === value)
      for (const radio of radios) radio.checked = Number(radio.value) === at && (at !== NONE || !field.required)
    },
  }
}

function ofOption(field: ChoiceField, at: number): Understood {
  const option = field.options[at]
  if (option) return { value: option.value }
  return understand(field, "")
}

function list(field: ChoiceField, changed: () => void, id: string): Inner {
  const none = h("option", { value: NONE, disabled: field.required }, field.required ? "Pick one" : "–")
  const options = field.options.map((one, at) => h("option", { value: at }, one.title))
  const select = h("select", { id, onchange: changed }, none, ...options)
  return {
    element: h("div", { class: "select" }, select),
    target: select,
    read: () => ofOption(field, Number(select.value)),
    set: (value) => {
      select.value = String(field.options.findIndex((one) => one.value === value))
    },
  }
}

function toggle(changed: () => void, id: string): Inner {
  const box = h("input", { type: "checkbox", role: "switch", id, onchange: changed })
  return {
    element: h("div", { class: "switch" }, box),
    target: box,
    read: () => ({ value: box.checked }),
    set: (value) => {
      box.checked = value === true
    },
  }
}

/** A box for the number and, where its range is known, a slider that moves with it. */
function number(field: NumberField, changed: () => void, id: string): Inner {
  const box = h("input", { type: "text", inputmode: "decimal", id, autocomplete: "off", class: "number" })
  const { minimum: min, maximum: max } = field
  const ranged = min !== undefined && max !== undefined && max > min
  const step = sliderStep(field)
  const slider = ranged
    ? h("input", { type: "range", min, max, step, "aria-label": `${field.title}, as a slider`, class: "untouched" })
    : null
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const follow = () => {
    if (!slider || !ranged) return
    const found = understand(field, box.value)
    const value = "value" in found && typeof found.value === "number" ? found.value : undefined
    slider.classList.toggle("untouched", value === undefined)
    slider.value = String(value ?? (min + max) / 2)
    const share = value === undefined ? 0 : (100 * (Number(slider.value) - min)) / (max - min)
    slider.style.setProperty("--share", `${share}%`)
    slider.setAttribute("aria-valuetext", value === undefined ? "not set" : written(field, value))
  }
  box.oninput = () => {
    follow()
    changed()
  }
  if (slider) {
    slider.oninput = () => {
      box.value = String(Number(Number(slider.value).toFixed(digits)))
      follow()
      changed()
    }
  }
  follow()
  const ends = ranged && h("div", { class: "ends", "aria-hidden": "true" }, h("span", {}, min), h("span", {}, max))
  return {
    element: h("div", { class: ranged ? "ranged" : "" }, slider && h("div", { class: "slider" }, slider, ends), box),
    target: box,
    read: () => understand(field, box.value),
    set: (value) => {
      box.value = written(field, value)
      follow()
    },
  }
}

function text(field: Field, changed: () => void, id: string): Inner {
  const long = field.kind === "text" && (field.maxLength ?? 0) > 200
  const box = long ? h("textarea", { id, rows: 4 }) : h("input", { type: "text", id, autocomplete: "off" })
  box.addEventListener("input", changed)
  return {
    element: box,
    target: box,
    read: () => understand(field, box.value),
    set: (value) => {
      box.value = written(field, value)
    },
  }
}

/** A place to drop a file on, or to pick one; a picture is shown. */
function drop(field: FileField, changed: () => void, id: string): Inner {
  let file: File | undefined
  let url = ""
  const pick = h("input", { type: "file", id, accept: field.accepts, class: "pick" })
  const shownFile = h(
    "span",
    { class: "dropped" },
    icon(ICONS.image, 28),
    h("span", {}, "Drop a picture here, or pick one"),
  )
  const place = h("div", { class: "drop" }, shownFile, pick)
  const refuse = h("p", { class: "problem", hidden: true })
  const take = (next: File | undefined) => {
    const kind = field.accepts.replace(/\*$/, "")
    const fits = next === undefined || kind === "" || next.type === field.accepts || next.type.startsWith(kind)
    refuse.hidden = fits
    if (!fits) {
      refuse.textContent = `${next.name} is ${next.type || "of no known kind"}; ${field.accepts} is needed.`
      return
    }
    file = next
    URL.revokeObjectURL(url)
    url = next ? URL.createObjectURL(next) : ""
    const picture = next?.type.startsWith("image/") && h("img", { src: url, alt: "" })
    const words = next ? next.name : "Drop a picture here, or pick one"
    shownFile.replaceChildren(picture || icon(ICONS.image, 28), h("span", {}, words))
  }
  pick.onchange = () => {
    take(pick.files?.[0])
    changed()
  }
  onDrop(place, (dropped) => {
    take(dropped)
    changed()
  })
  return {
    element: h("div", {}, place, refuse),
    target: pick,
    read: () => (file ? { value: file } : field.required ? { problem: "Pick a file." } : {}),
    set: (value) => take(value instanceof File ? value : undefined),
  }
}

/** Files that are dropped on `place` are taken, and the place shows that it would take them. */
export function onDrop(place: HTMLElement, take: (file: File) => void): void {
  const over = (on: boolean) => (event: DragEvent) => {
    event.preventDefault()
    place.classList.toggle("over", on)
  }
  place.addEventListener("dragover", over(true))
  place.addEventListener("dragleave", over(false))
  place.addEventListener("drop", (event) => {
    over(false)(event)
    const [file] = event.dataTransfer?.files ?? []
    if (file) take(file)
  })
}
