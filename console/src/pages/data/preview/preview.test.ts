import { describe, expect, it } from "vitest"
import { contentTypeOf, detect, guessText, named } from "./kind"
import { timeText, typeName } from "./parquet"
import { linesOf, ofBytes, rangeOf, unpacked } from "./read"
import { recordsOf } from "./records"
import { hasHeader, sheetOf, typeOf, widened } from "./rows"
import { delimiterOf } from "./sheet-view"
import { membersOf } from "./tar"

const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(new TextEncoder().encode(text))

describe("what a file is", () => {
  it("is said by its name", () => {
    expect(detect("a.csv", undefined, bytes("1,2\n")).kind).toBe("csv")
    expect(detect("a.csv.gz", undefined, bytes("1,2\n"), true)).toEqual({ kind: "csv", gzip: true })
    expect(detect("a.JSONL", undefined, bytes("{}\n")).kind).toBe("jsonl")
    expect(named("model.tar.gz")).toEqual({ kind: "tar", gzip: true })
    expect(named("m.tgz")).toEqual({ kind: "tar", gzip: true })
  })
  it("is said by its content type where the name says nothing", () => {
    expect(detect("part-0", "text/csv; charset=utf-8", bytes("a b")).kind).toBe("csv")
    expect(detect("x", "application/vnd.api+json", bytes("{}")).kind).toBe("json")
  })
  it("is proven by its bytes, whatever the name", () => {
    expect(detect("a.csv", "text/csv", bytes("PAR1rest")).kind).toBe("parquet")
    expect(detect("a.txt", undefined, Uint8Array.of(0x89, 0x50, 0x4e, 0x47)).kind).toBe("image")
    expect(detect("a.csv", undefined, Uint8Array.of(0, 1, 2)).kind).toBe("binary")
    expect(detect("a", undefined, new Uint8Array()).kind).toBe("empty")
  })
  it("is guessed from text without a telling name", () => {
    expect(guessText("1,2,3\n4,5,6\n7,8,9\n")).toBe("csv")
    expect(guessText('{"a":1}\n{"a":2}\n{"a":3}\n')).toBe("jsonl")
    expect(guessText('{\n "a": 1\n}')).toBe("json")
    expect(guessText("Dear Ann,\nhow are you?\nBob\n")).toBe("text")
    expect(guessText("[2026-11-22] start\n[2026-11-22] end\n")).not.toBe("csv")
  })
  it("is text also where the end cuts a letter", () => {
    expect(detect("a.txt", undefined, bytes("grün").subarray(0, 3)).kind).toBe("text")
  })
  it("gives uploads a type that programs know", () => {
    expect(contentTypeOf({ name: "a.csv", type: "application/vnd.ms-excel" })).toBe("text/csv")
    expect(contentTypeOf({ name: "a.png", type: "image/png" })).toBe("image/png")
    expect(contentTypeOf({ name: "a.xyz", type: "" })).toBe("application/octet-stream")
  })
})

describe("byte ranges", () => {
  it("end with the last byte, not after it", () => {
    expect(rangeOf(0, 100, 1000)).toBe("bytes=0-99")
    expect(rangeOf(990, 2000, 1000)).toBe("bytes=990-999")
  })
  it("of nothing are none", () => {
    expect(rangeOf(0, 10, 0)).toBeUndefined()
    expect(rangeOf(5, 5, 10)).toBeUndefined()
  })
  it("leave whole lines", () => {
    expect(linesOf(bytes("a\nb\nhal"), false)).toBe("a\nb\n")
    expect(linesOf(bytes("a\nb\nhal"), true)).toBe("a\nb\nhal")
  })
})

describe("types of cells", () => {
  it.each([
    ["12", "integer"],
    ["-0.5", "number"],
    ["1e-3", "number"],
    [".5", "number"],
    ["NaN", "number"],
    ["007", "text"],
    ["0", "integer"],
    ["0.1", "number"],
    ["TRUE", "boolean"],
    ["2024-02-01", "date"],
    ["2024-02-01 10:00:00.5", "timestamp"],
    ["2024-02-01T10:00:00Z", "timestamp"],
    ["", "empty"],
    ["NA", "empty"],
    ["5more", "text"],
  ])("%j is %s", (cell, type) => {
    expect(typeOf(cell)).toBe(type)
  })
  it("are widened to what holds both", () => {
    expect(widened("integer", "number")).toBe("number")
    expect(widened("date", "timestamp")).toBe("timestamp")
    expect(widened("integer", "date")).toBe("text")
    expect(widened("empty", "boolean")).toBe("boolean")
  })
})

describe("the first row of a sheet", () => {
  it("names the columns above numbers", () => {
    expect(
      hasHeader([
        ["id", "price"],
        ["1", "2.5"],
      ]),
    ).toBe(true)
  })
  it("is data where it is like the others", () => {
    expect(
      hasHeader([
        ["M", "0.45"],
        ["F", "0.5"],
      ]),
    ).toBe(false)
    expect(
      hasHeader([
        ["low", "acc"],
        ["high", "acc"],
        ["low", "good"],
        ["med", "acc"],
        ["low", "acc"],
        ["med", "good"],
      ]),
    ).toBe(false)
  })
  it("names columns of categories, where its words do not occur again", () => {
    const rows = Array.from({ length: 6 }, (_, at) => [at % 2 ? "low" : "high", "acc"])
    expect(hasHeader([["price", "class"], ...rows])).toBe(true)
  })
  it("can be told", () => {
    expect(sheetOf("a,b\n1,2\n", ",", 10, false, false)).toMatchObject({ header: null, types: ["text", "text"] })
    expect(sheetOf("a,b\n1,2\n", ",", 10, false, null)).toMatchObject({
      header: ["a", "b"],
      types: ["integer", "integer"],
    })
  })
})

describe("a sheet", () => {
  it("leaves out a row that was cut", () => {
    expect(sheetOf("1,2\n3,4\n5", ",", 10, true, false).rows).toEqual([
      ["1", "2"],
      ["3", "4"],
    ])
  })
  it("keeps commas and lines within quotes", () => {
    expect(sheetOf('"a, b","c\nd"\n1,2\n', ",", 10, false, false).rows[0]).toEqual(["a, b", "c\nd"])
  })
  it("says where rows are uneven", () => {
    expect(sheetOf("1,2\n3\n", ",", 10, false, false).problem).toContain("Row 2")
  })
  it("may be parted by other marks", () => {
    expect(delimiterOf("a;b;c\n1;2;3")).toBe(";")
    expect(delimiterOf("one")).toBe(",")
  })
})

describe("JSON lines", () => {
  it("have the columns of all of them", () => {
    expect(recordsOf('{"a":1}\n\n{"b":null}\n3\n', 10)).toEqual({
      records: [{ a: 1 }, { b: null }, { value: 3 }],
      columns: ["a", "b", "value"],
    })
  })
  it("say which line is none", () => {
    expect(recordsOf('{"a":1}\nno\n', 10).broken).toContain("Line 2")
  })
})

describe("Parquet", () => {
  it("names types as people do", () => {
    expect(typeName({ name: "a", type: "INT64" })).toBe("int64")
    expect(typeName({ name: "a", type: "BYTE_ARRAY", converted_type: "UTF8" })).toBe("string")
    const logical_type = { type: "DECIMAL", precision: 10, scale: 2 } as const
    expect(typeName({ name: "a", type: "INT64", logical_type })).toBe("decimal(10, 2)")
    expect(typeName({ name: "a", num_children: 2 })).toBe("struct")
  })
  it("keeps all digits of an instant", () => {
    expect(timeText(1_767_225_600_000_001n, 1_000_000n)).toBe("2026-01-01 00:00:00.000001")
    expect(timeText(-1n, 1_000n)).toBe("1969-12-31 23:59:59.999")
  })
})

describe("archives", () => {
  const header = (name: string, size: number, type = "0"): Uint8Array<ArrayBuffer> => {
    const block = new Uint8Array(512)
    block.set(bytes(name))
    block.set(bytes(`${size.toString(8).padStart(11, "0")}\0`), 124)
    block.set(bytes("00000000000\0"), 136)
    block.set(bytes(type), 156)
    block.set(bytes("ustar\0"), 257)
    return block
  }
  const stream = (parts: Uint8Array<ArrayBuffer>[]) =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (to) => {
        for (const part of parts) to.enqueue(part)
        to.close()
      },
    })
  it("tell their members, long names too", async () => {
    const long = `${"d/".repeat(60)}file.bin`
    const record = ` path=${long}\n`
    const pax = `${record.length + 3}${record}`
    const data = new Uint8Array(512)
    data.set(bytes(pax))
    const found = await membersOf(
      stream([
        header("a.txt", 5),
        new Uint8Array(512),
        header("x", pax.length, "x"),
        data,
        header("short", 0),
        new Uint8Array(1024),
      ]),
    )
    expect(found.whole).toBe(true)
    expect(found.members.map((one) => [one.name, one.size])).toEqual([
      ["a.txt", 5],
      [long, 0],
    ])
  })
  it("are refused where they are none", async () => {
    await expect(membersOf(stream([new Uint8Array(512).fill(65)]))).rejects.toThrow("no tar")
  })
  it("are unpacked as far as they go", async () => {
    const packed = ofBytes(bytes("x".repeat(100_000))).pipeThrough(new CompressionStream("gzip"))
    const all = new Uint8Array(await new Response(packed).arrayBuffer())
    expect((await unpacked(all, true)).bytes.length).toBe(100_000)
    expect((await unpacked(all.slice(0, all.length - 12), false)).whole).toBe(false)
    await expect(unpacked(bytes("no gzip"), true)).rejects.toThrow("gzip")
  })
})
