import { describe, expect, it } from "vitest"
import { matches, newestFirst, parse } from "./lines"
import { hourOf, newestKeys, placeOf, startOf } from "./places"

const line = (input: object, output: object, about: object = {}) =>
  JSON.stringify({
    captureData: { endpointInput: input, endpointOutput: output },
    eventMetadata: { eventId: "e", inferenceTime: "2026-11-21T10:00:00Z", ...about },
    eventVersion: "0",
  })

describe("captured lines", () => {
  it("are read whatever their encoding is, the newest first", () => {
    const text = [
      line({ observedContentType: "text/csv", data: "1,2", encoding: "CSV" }, { data: "0.7", encoding: "CSV" }),
      line(
        { observedContentType: "application/json", data: '{"a":1}', encoding: "JSON" },
        { data: btoa("plain"), encoding: "BASE64" },
        { eventId: "f", inferenceId: "first", customAttributes: ["trace=1"] },
      ),
      line({ data: btoa("\x89PNG\x00"), encoding: "BASE64" }, { data: "", encoding: "CSV" }, { eventId: "g" }),
    ].join("\n")
    const { lines, unread } = parse(`${text}\n`, "s3://lake/x.jsonl", "blue")
    expect(unread).toBe(0)
    expect(lines.map((one) => one.id)).toEqual(["g", "f", "e"])
    expect(lines[0]?.input).toMatchObject({ text: undefined, bytes: 5 })
    expect(lines[1]).toMatchObject({ inferenceId: "first", attributes: "trace=1", line: 2, variant: "blue" })
    expect(lines[1]?.output?.text).toBe("plain")
    expect(lines[2]?.input).toEqual({ type: "text/csv", encoding: "CSV", text: "1,2", bytes: 3 })
    expect(lines[2]?.at?.toISOString()).toBe("2026-11-21T10:00:00.000Z")
  })

  it("of which one side was not captured are lines too, and what is no line is counted", () => {
    const { lines, unread } = parse('{"captureData":{}}\nnonsense\n\n', "s3://lake/x.jsonl", "blue")
    expect(unread).toBe(1)
    expect(lines).toMatchObject([{ id: "s3://lake/x.jsonl#0", input: undefined, output: undefined, at: undefined }])
  })

  it("are found by their text and their ids", () => {
    const [one] = parse(
      line({ data: "Red,2", encoding: "CSV" }, { data: "acc", encoding: "CSV" }, { inferenceId: "order-7" }),
      "s3://lake/x",
      "blue",
    ).lines
    if (one === undefined) throw new Error("no line")
    expect(["red", "ACC", "order-7", "blue"].every((text) => matches(one, text))).toBe(true)
    expect(matches(one, "green")).toBe(false)
  })

  it("stand by their time, whatever file they are of", () => {
    const of = (id: string, second: number) => ({ id, at: new Date(second * 1_000) }) as never
    expect(newestFirst([of("a", 1), of("b", 3), of("c", 1), of("d", 2)]).map((one) => one.id)).toEqual([
      "b",
      "d",
      "a",
      "c",
    ])
  })
})

describe("captured files", () => {
  it("lie below the endpoint's name", () => {
    expect(placeOf("s3://lake/watch/", "cars")).toEqual({ bucket: "lake", prefix: "watch/cars/" })
    expect(placeOf("s3://lake", "cars")).toEqual({ bucket: "lake", prefix: "cars/" })
    expect(placeOf("https://lake.s3.us-east-1.amazonaws.com/watch", "cars")).toEqual({
      bucket: "lake",
      prefix: "watch/cars/",
    })
    expect(placeOf("https://s3.amazonaws.com/lake/watch", "cars")).toEqual({ bucket: "lake", prefix: "watch/cars/" })
    expect(placeOf("", "cars")).toBeNull()
  })

  it("are ordered by hour and name over all variants", () => {
    const keys = [
      "watch/cars/blue/2026/11/22/14/01-00-000-a.jsonl",
      "watch/cars/green/2026/11/22/15/00-10-000-b.jsonl",
      "watch/cars/blue/2026/11/22/15/00-20-000-c.jsonl",
    ]
    expect(newestKeys(keys).map((one) => one.slice(-7, -6))).toEqual(["c", "b", "a"])
    expect(hourOf(keys[0] ?? "")).toBe("2026/11/22/14/")
    expect(startOf("2026/11/22/14/")?.toISOString()).toBe("2026-11-22T14:00:00.000Z")
    expect(startOf("")).toBeUndefined()
  })
})
