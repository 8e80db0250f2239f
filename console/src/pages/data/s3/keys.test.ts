import { describe, expect, it } from "vitest"
import { bucketNameProblem } from "./bucket-name"
import {
  decodeListed,
  folderNameProblem,
  folderOf,
  foldersOf,
  isReachable,
  leafOf,
  pageOf,
  shortVersion,
  shownName,
} from "./keys"

describe("folders of a prefix", () => {
  it("are its parts, outermost first", () => {
    expect(foldersOf("a/b/")).toEqual([
      { name: "a", prefix: "a/" },
      { name: "b", prefix: "a/b/" },
    ])
  })
  it("may have no name", () => {
    expect(foldersOf("a//b/").map((one) => one.prefix)).toEqual(["a/", "a//", "a//b/"])
    expect(foldersOf("/").map((one) => one.name)).toEqual([""])
  })
  it("do not include what follows the last slash", () => {
    expect(foldersOf("")).toEqual([])
    expect(foldersOf("a/run-")).toHaveLength(1)
  })
})

describe("where a key lies and what it is called", () => {
  it.each([
    ["a/b.txt", "a/", "b.txt"],
    ["b.txt", "", "b.txt"],
    ["a/b/", "a/", "b"],
    ["a//", "a/", ""],
    ["a//b", "a//", "b"],
    ["/x", "/", "x"],
    [" a/ b ", " a/", " b "],
    ["ü/ñ 漢.csv", "ü/", "ñ 漢.csv"],
  ])("%j", (key, folder, leaf) => {
    expect(folderOf(key)).toBe(folder)
    expect(leafOf(key)).toBe(leaf)
  })
  it("is drawn so that it can be seen", () => {
    expect(shownName("")).toBe("(no name)")
    expect(shownName("  ")).toBe('"  "')
  })
})

it("names of lists are decoded, a plus being a space and %2B a plus", () => {
  expect(decodeListed("with+space/%C3%BC%2B%25.txt")).toBe("with space/ü+%.txt")
  expect(decodeListed("with%20space")).toBe("with space")
})

it("a browser cannot ask for keys with dots for folders", () => {
  expect(isReachable("a/../b")).toBe(false)
  expect(isReachable("./b")).toBe(false)
  expect(isReachable("a/..b/c.")).toBe(true)
})

it("the page of a key keeps it whole", () => {
  const query = new URLSearchParams(pageOf("b", "a//ü &/", "x+y=z").split("?")[1])
  expect([query.get("prefix"), query.get("object")]).toEqual(["a//ü &/", "x+y=z"])
  expect(pageOf("b", "")).toBe("/data/s3/b")
  expect(pageOf("b", "x/", "")).toContain("object=")
})

it("ids of versions are told apart by their ends", () => {
  expect(shortVersion("0660df19aaaabbbbccccdddd")).toBe("…ccccdddd")
  expect(shortVersion("null")).toBe("null")
})

it("folders are called so that they can be opened again", () => {
  expect(folderNameProblem("2026/11", "runs/")).toBe("")
  expect(folderNameProblem("a/../b", "")).toContain("..")
  expect(folderNameProblem("a//b", "")).toContain("name")
  expect(folderNameProblem("ü".repeat(520), "")).toContain("1,024")
})

describe("bucket names", () => {
  it.each(["lake", "a.b-c", "123", "a".repeat(63)])("%s is one", (name) => {
    expect(bucketNameProblem(name)).toBe("")
  })
  it.each([
    "Lake",
    "my_bucket",
    "ab",
    "a".repeat(64),
    "-lake",
    "lake.",
    "a..b",
    "10.0.0.1",
    "xn--lake",
    "lake-s3alias",
  ])("%s is none, and that is said", (name) => {
    expect(bucketNameProblem(name)).not.toBe("")
  })
})
