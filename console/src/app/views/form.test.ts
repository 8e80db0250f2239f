import { expect, it, vi } from "vitest"
import { fieldsOf } from "../logic/fields"
import { form } from "./form"

const fields = fieldsOf({
  properties: {
    price: { title: "Price", enum: ["low", "high"] },
    size: { title: "Size", enum: ["S", "M", "L", "XL", "XXL", "3XL"] },
    width: { title: "Width", type: "number", minimum: 0, maximum: 10, multipleOf: 0.5 },
    new: { title: "New", type: "boolean" },
    photo: { title: "Photo", type: "string", contentMediaType: "image/*" },
  },
  required: ["price", "width"],
})
const example = { title: "One", values: { price: "high", width: 2.5 }, expected: "x" }

function made() {
  const changed = vi.fn()
  const found = form(fields, [example], changed)
  document.body.replaceChildren(found.element)
  const one = <T extends Element = HTMLInputElement>(selector: string): T => {
    const element = found.element.querySelector<T>(selector)
    if (!element) throw new Error(selector)
    return element
  }
  return { ...found, changed, one }
}

it("tells what is missing, in the order of the fields, and puts the cursor there", () => {
  const { read, complain, one } = made()
  const { problems } = read()
  expect([...problems]).toEqual([
    ["price", "Pick one."],
    ["width", "This is needed."],
  ])
  complain(problems, true)
  expect(document.activeElement).toBe(one('input[type="radio"]'))
  expect(one<HTMLElement>(".problem").textContent).toBe("Pick one.")
})

it("an example fills the form until something is changed", () => {
  const { read, one, example: chosen, changed } = made()
  one<HTMLButtonElement>(".chip").click()
  expect(read().values).toEqual({ price: "high", width: 2.5 })
  expect(chosen()).toBe(example)
  const slider = one('input[type="range"]')
  slider.value = "4"
  slider.dispatchEvent(new Event("input"))
  expect(read().values).toEqual({ price: "high", width: 4 })
  expect(chosen()).toBeUndefined()
  expect(one(".chip").getAttribute("aria-pressed")).toBe("false")
  expect(changed).toHaveBeenCalledTimes(2)
})

it("what is optional can be left out again", () => {
  const { read, set, one } = made()
  set({ price: "low", width: 1, new: true, size: "M" })
  expect(read().values).toEqual({ price: "low", width: 1, new: true, size: "M" })
  one<HTMLSelectElement>("select").value = "-1"
  const [none] = [...document.querySelectorAll("fieldset")].at(-1)?.querySelectorAll("input") ?? []
  none?.click()
  expect(read().values).toEqual({ price: "low", width: 1 })
})

it("takes pictures only where a picture is asked for", () => {
  URL.createObjectURL = () => "blob:x"
  URL.revokeObjectURL = () => {}
  const { set, read, one } = made()
  const drop = (file: File) => {
    const event = new Event("drop")
    Object.assign(event, { dataTransfer: { files: [file] } })
    one(".drop").dispatchEvent(event)
  }
  set({ price: "low", width: 1 })
  drop(new File(["x"], "notes.txt", { type: "text/plain" }))
  expect(document.body.textContent).toContain("notes.txt is text/plain; image/* is needed.")
  expect(read().values.photo).toBeUndefined()
  const picture = new File(["x"], "cat.png", { type: "image/png" })
  drop(picture)
  expect(read().values.photo).toBe(picture)
  expect(document.body.textContent).toContain("cat.png")
})
