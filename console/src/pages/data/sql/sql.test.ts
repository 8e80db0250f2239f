import { describe, expect, it } from "vitest"
import { snapshotsIn } from "../catalog/iceberg"
import { viewText } from "../catalog/views"
import { isHeader, isNumberType } from "./athena"
import { barsOf, guess, instantOf, pointsOf, ticksOf, timesOf } from "./guess"
import { inserted, placeIn, pointed, queryPage, quotedName, tableName } from "./text"

const column = (Name: string, Type: string) => ({ Name, Type })

describe("a first chart", () => {
  it("is a line over time", () => {
    const columns = [column("price", "double"), column("day", "date")]
    expect(guess(columns, [["1", "2026-01-01"]])).toEqual({ kind: "line", x: 1, y: 0 })
  })
  it("is bars of categories", () => {
    expect(guess([column("class", "varchar"), column("n", "bigint")], [["a", "1"]])).toEqual({
      kind: "bar",
      x: 0,
      y: 1,
    })
  })
  it("is points of two numbers, and a line or bars where the first only rises", () => {
    const columns = [column("x", "double"), column("y", "double")]
    expect(
      guess(columns, [
        ["3", "1"],
        ["1", "2"],
      ])?.kind,
    ).toBe("scatter")
    expect(
      guess(columns, [
        ["0.5", "1"],
        ["1.5", "2"],
      ])?.kind,
    ).toBe("line")
    expect(
      guess(columns, [
        ["2024", "1"],
        ["2025", "2"],
      ])?.kind,
    ).toBe("bar")
  })
  it("is none without a number or a row", () => {
    expect(guess([column("a", "varchar")], [["x"]])).toBeUndefined()
    expect(guess([column("a", "bigint")], [])).toBeUndefined()
  })
})

describe("what is drawn", () => {
  it("leaves out what is no number", () => {
    expect(
      pointsOf(
        [
          ["1", "2"],
          ["x", "3"],
          [null, "4"],
          ["0", ""],
        ],
        { kind: "line", x: 0, y: 1 },
      ),
    ).toEqual([{ x: 1, y: 2 }])
  })
  it("has each category once", () => {
    const found = barsOf(
      [
        ["a", "1"],
        ["b", "2"],
        ["a", "3"],
        [null, "5"],
      ],
      { kind: "bar", x: 0, y: 1 },
      2,
    )
    expect(found).toEqual({
      points: [
        { x: "a", y: 4 },
        { x: "b", y: 2 },
      ],
      left: 1,
    })
  })
  it("takes times as UTC, as Athena prints them", () => {
    expect(instantOf("2026-01-02 03:04:05.000")?.toISOString()).toBe("2026-01-02T03:04:05.000Z")
    expect(instantOf("2026-01-02")?.toISOString()).toBe("2026-01-02T00:00:00.000Z")
    expect(instantOf("2026-01-02 03:04:05.000 UTC")?.toISOString()).toBe("2026-01-02T03:04:05.000Z")
    expect(instantOf("soon")).toBeNull()
    expect(
      timesOf(
        [
          ["2026-01-02", "1"],
          ["2026-01-01", "2"],
        ],
        { kind: "line", x: 0, y: 1 },
      ).map((one) => one.y),
    ).toEqual([2, 1])
  })
  it("has round numbers at its axes", () => {
    expect(ticksOf(0, 10)).toEqual([0, 2, 4, 6, 8, 10])
    expect(ticksOf(0.01, 0.04)).toEqual([0.01, 0.02, 0.03, 0.04])
    expect(ticksOf(5, 5).length).toBeGreaterThan(1)
    expect(ticksOf(0, 0).length).toBeGreaterThan(1)
  })
})

describe("statements", () => {
  it("quote names that are no plain words", () => {
    expect(quotedName("cars")).toBe("cars")
    expect(quotedName("order")).toBe('"order"')
    expect(quotedName('a "b"')).toBe('"a ""b"""')
    expect(tableName("my-db", "t")).toBe('"my-db".t')
  })
  it("are found again in a link", () => {
    const query = new URLSearchParams(queryPage("select '&+%' as a\nfrom t", "lake").split("?")[1])
    expect([query.get("sql"), query.get("database")]).toEqual(["select '&+%' as a\nfrom t", "lake"])
  })
  it("are pointed into by messages", () => {
    const sql = "select a,\n  nothing\nfrom t"
    const place = placeIn("COLUMN_NOT_FOUND: line 2:3: Column 'nothing' cannot be resolved", sql)
    expect(place).toEqual({ line: 2, column: 3, at: 12 })
    expect(sql.slice(12, 19)).toBe("nothing")
    expect(pointed(sql, { line: 2, column: 3, at: 12 })).toBe("  nothing\n  ^")
    expect(placeIn("no place", sql)).toBeUndefined()
    expect(placeIn("line 9:1: beyond", sql)).toBeUndefined()
  })
  it("take names where the cursor is", () => {
    expect(inserted("select from t", 7, 7, "a")).toEqual({ text: "select a from t", cursor: 8 })
    expect(inserted("select x", 7, 8, "price")).toEqual({ text: "select price", cursor: 12 })
    expect(inserted("from", 4, 4, "cars")).toEqual({ text: "from cars", cursor: 9 })
  })
})

it("the first row is the header only where there is one", () => {
  const columns = [column("a", "integer")]
  expect(isHeader(["a"], columns, "DML")).toBe(true)
  expect(isHeader(["a"], columns, "UTILITY")).toBe(false)
  expect(isHeader(["1"], columns, "DML")).toBe(false)
})

it("numbers stand to the right", () => {
  expect(["bigint", "decimal(10,2)", "DOUBLE"].every(isNumberType)).toBe(true)
  expect(isNumberType("varchar(20)")).toBe(false)
})

it("snapshots keep the digits of their ids, and the current one is known", () => {
  const text = `{"current-snapshot-id": 3055729675574597004, "snapshots": [
    {"snapshot-id": 3051729675574597004, "timestamp-ms": 1000, "summary": {"operation": "append", "total-records": "5"}},
    {"snapshot-id": 3055729675574597004, "timestamp-ms": 2000, "summary": {"operation": "delete"}}]}`
  expect(snapshotsIn(text).map((one) => [one.id, one.current, one.records])).toEqual([
    ["3055729675574597004", true, undefined],
    ["3051729675574597004", false, 5],
  ])
})

it("views of Athena tell their statement", () => {
  const packed = btoa(JSON.stringify({ originalSql: "SELECT 1" }))
  expect(viewText({ Name: "v", ViewOriginalText: `/* Presto View: ${packed} */` })).toBe("SELECT 1")
  expect(viewText({ Name: "v", ViewOriginalText: "SELECT 2" })).toBe("SELECT 2")
})
