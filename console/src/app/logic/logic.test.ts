import { describe, expect, it } from "vitest"
import { bodyOf, takesRows, textBody } from "./body"
import { line, markOf, rowsOf } from "./csv"
import { readDocument } from "./document"
import { asSegments, type ChoiceField, type Field, fieldsOf, type NumberField, shown, sliderStep } from "./fields"
import { fromQuery, linkOf } from "./share"
import { shell, snippets } from "./snippets"
import { understand, written } from "./values"

const input = {
  type: "object",
  properties: {
    price: {
      title: "Price",
      oneOf: [
        { const: 0, title: "low" },
        { const: 1, title: "high, very" },
      ],
    },
    size: { enum: ["S", "M", "L", "XL", "XXL", "3XL"] },
    width: { title: "Width", type: "number", minimum: 0, maximum: 30, multipleOf: 0.1, default: 5.8, unit: "cm" },
    count: { type: "integer", exclusiveMinimum: 0 },
    note: { type: ["string", "null"], maxLength: 5 },
    new: { type: "boolean" },
  },
  required: ["price", "width"],
}
const fields = fieldsOf(input)
const field = (name: string) => fields.find((one) => one.name === name) as Field

describe("a document", () => {
  it("is read with its defaults", () => {
    const { document, flaws } = readDocument({ input, examples: [{ values: { width: 1 } }] })
    expect(flaws).toEqual([])
    expect(document).toMatchObject({ contentType: "text/csv", output: { kind: "raw" }, body: "object" })
    expect(document?.examples[0]?.title).toBe("Example 1")
  })

  it("says where it is wrong", () => {
    const said = {
      title: 3,
      input: { properties: { a: { type: "array" }, b: { minimum: 2, maximum: 1 }, c: { enum: [] } }, required: ["d"] },
      output: { kind: "classes" },
      examples: [{ values: { z: 1 } }, {}],
    }
    expect(readDocument(said).flaws.map((one) => one.path)).toEqual([
      "title",
      "input.properties.a.type",
      "input.properties.b.minimum",
      "input.properties.c.enum",
      "input.required[0]",
      "output.labels",
      "examples[0].values.z",
      "examples[1].values",
    ])
    expect(readDocument([]).document).toBeNull()
  })
})

describe("fields", () => {
  it("follow the schema in its order", () => {
    expect(fields.map((one) => [one.name, one.kind, one.required])).toEqual([
      ["price", "choice", true],
      ["size", "choice", false],
      ["width", "number", true],
      ["count", "number", false],
      ["note", "text", false],
      ["new", "boolean", false],
    ])
    expect(asSegments(field("price") as ChoiceField)).toBe(true)
    expect(asSegments(field("size") as ChoiceField)).toBe(false)
    expect(sliderStep({ ...(field("width") as NumberField), step: undefined })).toBe(0.1)
    expect(fieldsOf({ properties: { x: { type: "string", contentMediaType: "image/*" } } })[0]?.kind).toBe("file")
  })

  it("are shown in the words of people", () => {
    expect(shown(field("price"), 1)).toBe("high, very")
    expect(shown(field("width"), 2)).toBe("2 cm")
    expect(shown(field("new"), true)).toBe("yes")
    expect(shown(field("note"), undefined)).toBe("–")
  })
})

describe("what people say", () => {
  const problem = (name: string, text: string) => {
    const found = understand(field(name), text)
    return "problem" in found ? found.problem : found.value
  }

  it("is understood by titles and by values", () => {
    expect(problem("price", "Low")).toBe(0)
    expect(problem("price", "1")).toBe(1)
    expect(problem("price", "cheap")).toBe("“cheap” is none of low, high, very.")
    expect(problem("price", "")).toBe("Pick one.")
    expect(problem("size", "")).toBeUndefined()
    expect(problem("new", "no")).toBe(false)
    expect(problem("note", "longer")).toBe("6 letters are too many: 5 is the most.")
  })

  it("is a number within its bounds", () => {
    expect(problem("width", "5.8")).toBe(5.8)
    expect(problem("width", "1e1")).toBe(10)
    expect(problem("width", "31")).toBe("From 0 to 30 cm.")
    expect(problem("width", "0.15")).toBe("In steps of 0.1 cm.")
    expect(problem("width", "1,5")).toBe("“1,5” is no number. Write decimals with a point.")
    expect(problem("width", "")).toBe("This is needed.")
    expect(problem("count", "0")).toBe("More than 0.")
    expect(problem("count", "1.5")).toBe("Whole numbers only.")
  })

  it("is written as it is understood", () => {
    expect(written(field("price"), 1)).toBe("high, very")
    expect(written(field("width"), 5.8)).toBe("5.8")
    expect(written(field("new"), true)).toBe("true")
  })
})

describe("bodies", () => {
  const row = { price: 1, width: 5.8, note: 'a"b', new: true }
  it("are CSV in the order of the properties", () => {
    const document = { contentType: "text/csv", body: "object" as const }
    expect(textBody(document, fields, [row, { price: 0, width: 1 }])).toBe('1,,5.8,,"a""b",true\n0,,1,,,')
    expect(takesRows(document)).toBe(true)
  })

  it("are JSON, as one object or as instances, or lines of JSON", () => {
    const some = { price: 1, width: 2 }
    const json = { contentType: "application/json", body: "object" as const }
    expect(textBody(json, fields, [some])).toBe('{"price":1,"width":2}')
    expect(takesRows(json)).toBe(false)
    expect(textBody({ ...json, body: "instances" }, fields, [some])).toBe('{"instances":[{"price":1,"width":2}]}')
    expect(textBody({ ...json, contentType: "application/jsonlines" }, fields, [some, some])).toContain("\n")
  })

  it("are the file itself, or its Base64 within JSON", async () => {
    const photo = fieldsOf({ properties: { photo: { type: "string", contentMediaType: "image/*" } } })
    const file = new File([new Uint8Array([1, 2, 3])], "a.png", { type: "image/png" })
    const whole = await bodyOf({ contentType: "image/*", body: "object" }, photo, [{ photo: file }])
    expect(whole).toEqual({ content: file, contentType: "image/png" })
    const json = await bodyOf({ contentType: "application/json", body: "object" }, photo, [{ photo: file }])
    expect(json.content).toBe('{"photo":"AQID"}')
  })
})

describe("CSV", () => {
  const read = (text: string) => [...rowsOf(text)].map((one) => one.cells)
  it("is read with quotes, breaks and marks of all sorts", () => {
    expect(read('\uFEFFa,b\r\n"1,""x""\n2",\n\n3,4')).toEqual([
      ["a", "b"],
      ['1,"x"\n2', ""],
      ["3", "4"],
    ])
    expect(read("a;b\n1;2,5\n")).toEqual([
      ["a", "b"],
      ["1", "2,5"],
    ])
    expect(markOf('"a,b"\tc\td')).toBe("\t")
    expect([...rowsOf('a\n"x\ny"\nb')].map((one) => one.line)).toEqual([1, 2, 4])
    expect(read('"open')).toEqual([["open"]])
    expect(read("")).toEqual([])
  })

  it("comes back as it was written", () => {
    const cells = ["a", 'q"', "x,y", " s ", "two\nlines", ""]
    expect(read(`${line(cells)}\n`)).toEqual([cells])
  })
})

describe("a link", () => {
  it("carries the inputs and brings them back", () => {
    const values = { price: 1, width: 5.8, new: false }
    const link = linkOf("http://h/apps/x", fields, values)
    expect(link).toBe("http://h/apps/x?price=high%2C+very&width=5.8&new=false")
    expect(fromQuery(fields, new URL(link).search)).toEqual({ values, refused: [] })
    expect(fromQuery(fields, "?price=odd&width=2").refused).toEqual(["Price: “odd” is none of low, high, very."])
  })
})

describe("snippets", () => {
  const ask = {
    base: "http://h/apps/x",
    origin: "http://h",
    endpoint: "x",
    region: "us-east-1",
    contentType: "text/csv",
    accept: "text/csv",
    body: { text: `1,"it's"` },
    token: "s3cret",
    reveal: false,
  }
  it("hold no token unless asked", () => {
    for (const one of snippets(ask)) expect(one.text).not.toContain("s3cret")
    const shownOnes = snippets({ ...ask, reveal: true }).filter((one) => one.text.includes("s3cret"))
    expect(shownOnes.map((one) => one.id)).toEqual(["curl", "python", "requests", "javascript"])
  })

  it("quote for their language", () => {
    expect(shell("it's")).toBe(`'it'\\''s'`)
    expect(snippets(ask)[0]?.text).toContain(`--data-binary '1,"it'\\''s"'`)
    expect(snippets(ask)[1]?.text).toContain(`body = "1,\\"it's\\"".encode()`)
  })
})
