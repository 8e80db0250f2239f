import { describe, expect, it } from "vitest"
import { ASK, asText } from "./invoke"
import { brief, pretty } from "./pretty"
import { snippets } from "./snippets"
import { again, keep, read } from "./tries"

const ANSWER = {
  ok: true,
  status: 200,
  headers: {},
  contentType: "text/csv",
  text: "0.7",
  bytes: 3,
  binary: false,
  ms: 4,
  variant: "blue",
}

describe("snippets", () => {
  const of = (ask: object, id: string) => snippets("shop", { ...ASK, ...ask }).find((one) => one.id === id)?.text ?? ""

  it("quote whatever stands in a body, for Python and for a shell", () => {
    const body = `it's "5",\n\\x`
    expect(of({ body }, "boto3")).toContain(`Body="it's \\"5\\",\\n\\\\x"`)
    expect(of({ body }, "curl")).toContain(`--data-binary 'it'\\''s "5",\n\\x'`)
    expect(of({ body }, "cli")).toContain(`--body 'it'\\''s "5",\n\\x'`)
  })

  it("say only what was said", () => {
    expect(of({ body: "1" }, "boto3")).not.toContain("Accept")
    const said = { accept: "application/json", variant: "green", inferenceId: "a'b" }
    expect(of(said, "boto3")).toContain(`TargetVariant="green"`)
    expect(of(said, "cli")).toContain(`--inference-id 'a'\\''b'`)
    expect(of(said, "curl")).toContain("-H 'X-Amzn-SageMaker-Target-Variant: green'")
  })

  it("name a file instead of its bytes, and never read one by accident", () => {
    const file = new File(["x"], "cat.png")
    expect(of({ file }, "boto3")).toContain(`Body=open("cat.png", "rb")`)
    expect(of({ file }, "curl")).toContain("--data-binary '@cat.png'")
    expect(of({ file }, "cli")).toContain("--body 'fileb://cat.png'")
    expect(of({ body: "@/etc/passwd" }, "curl")).not.toContain("'@/etc")
  })
})

describe("bodies", () => {
  it("are text or not", () => {
    expect(asText(new TextEncoder().encode("Grüße"))).toBe("Grüße")
    expect(asText(new Uint8Array([0xff, 0xfe, 0x00]))).toBeUndefined()
  })

  it("are printed as people read them", () => {
    expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
    expect(pretty('{"a":1}\n{"b":2}')).toBe('{\n  "a": 1\n}\n{\n  "b": 2\n}')
    expect(pretty("{not json")).toBe("{not json")
    expect(pretty("0.7,0.3")).toBe("0.7,0.3")
    expect(brief("a\n b".repeat(40), 10)).toHaveLength(10)
  })
})

describe("tries", () => {
  it("are kept, the newest first, at most 50, without files and without endless bodies", () => {
    let tries = read("shop", { getItem: () => null })
    for (let at = 0; at < 60; at++) tries = keep(tries, { ...ASK, body: String(at) }, ANSWER, at)
    expect(tries).toHaveLength(50)
    expect(tries[0]?.at).toBe(59)
    tries = keep(tries, { ...ASK, body: "x".repeat(30_000), file: new File([""], "cat.png") }, ANSWER, 99)
    expect(tries[0]).toMatchObject({ file: "cat.png" })
    expect(tries[0]?.ask).not.toHaveProperty("file")
    expect(tries[0]?.ask.body).toHaveLength(20_000)
    expect(again(tries[1] as never).body).toBe("59")
  })

  it("that cannot be read are none", () => {
    expect(read("shop", { getItem: () => "{" })).toEqual([])
  })
})
