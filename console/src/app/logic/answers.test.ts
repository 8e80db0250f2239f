import { describe, expect, it } from "vitest"
import { type Answer, inShort, meets, read, readAll } from "./answer"
import { chunkFor, type Progress, run } from "./batch"
import { rowsOf } from "./csv"
import { Failure } from "./failure"
import { fieldsOf } from "./fields"
import { added, asCsv, History, type Try } from "./history"
import { map } from "./mapping"

const cars = { kind: "classes" as const, labels: ["unacc", "acc", "good"] }
const two = { kind: "classes" as const, labels: ["stays", "goes"] }
const rings = { kind: "number" as const, unit: "rings" }

describe("an answer in classes", () => {
  const best = (text: string, type = "text/csv", output = cars) => {
    const answer = read(text, type, output)
    return answer.kind === "class" ? [answer.label, answer.share, answer.bars.length] : answer.kind
  }
  it("comes as probabilities in every form", () => {
    for (const text of ["0.1,0.7,0.2", "[0.1, 0.7, 0.2]", "0.1\n0.7\n0.2\n", "[[0.1,0.7,0.2]]", "[0.1 , 0.7\n, 0.2"]) {
      expect(best(text)).toEqual(["acc", 0.7, 3])
    }
    expect(best('2.0,"[0.1, 0.7, 0.2]"')).toEqual(["good", 0.2, 3])
    const json = "application/json"
    expect(best('{"predictions":[{"probabilities":[0.1,0.7,0.2],"predicted_label":2}]}', json)).toEqual([
      "good",
      0.2,
      3,
    ])
    expect(best('{"predictions":[[0.1,0.7,0.2]]}', json)).toEqual(["acc", 0.7, 3])
    expect(best('{"probabilities":{"unacc":0.1,"acc":0.7,"good":0.2}}', json)).toEqual(["acc", 0.7, 3])
    expect(best('{"probabilities":[0.1,0.7,0.2],"label":"acc"}\n', "application/jsonlines")).toEqual(["acc", 0.7, 3])
  })

  it("comes as a label, by name or place", () => {
    for (const text of [
      "acc",
      "1",
      "1.0",
      '"acc"',
      "[1]",
      '{"predicted_label":"acc"}',
      '{"predictions":[{"score":1.0}]}',
    ]) {
      expect(best(text)).toEqual(["acc", undefined, 0])
    }
    expect(best("0.25", "text/csv", two)).toEqual(["stays", 0.75, 2])
    expect(best("what")).toBe("raw")
    expect(best("7")).toBe("raw")
    expect(best("3,4,5")).toBe("raw")
  })

  it("meets what an example expects", () => {
    expect(meets(read("1", "text/csv", cars), "acc", cars)).toBe(true)
    expect(meets(read("1", "text/csv", cars), 1, cars)).toBe(true)
    expect(meets(read("1", "text/csv", cars), "good", cars)).toBe(false)
    expect(meets(read("1", "text/csv", rings), 1, rings)).toBeUndefined()
  })
})

it("a number is found where models put it", () => {
  for (const text of ["9.5", "[9.5]", '{"predictions":[{"score":9.5}]}', '{"predictions":[9.5]}', '"9.5"']) {
    expect(read(text, "", rings)).toEqual({ kind: "number", value: 9.5 })
  }
  expect(read("none", "", rings)).toEqual({ kind: "raw", text: "none" })
})

describe("answers to several rows", () => {
  const short = (text: string, count: number, output: typeof cars | typeof rings = cars) =>
    readAll(text, "text/csv", output, count)?.map(inShort) ?? null
  it("are told apart by lines, lists or width", () => {
    expect(short("0\n1\n2", 3)).toEqual(["unacc", "acc", "good"])
    expect(short("0.1,0.2,0.7\n0.9,0.1,0", 2)).toEqual(["good", "unacc"])
    expect(short("0.1,0.2,0.7,0.9,0.1,0", 2)).toEqual(["good", "unacc"])
    expect(short("[[0.1,0.2,0.7],[0.9,0.1,0]]", 2)).toEqual(["good", "unacc"])
    expect(short('{"predictions":[{"predicted_label":1},{"predicted_label":0}]}', 2)).toEqual(["acc", "unacc"])
    expect(short('{"predicted_label":[1,0],"probabilities":[[0,1,0],[1,0,0]]}', 2)).toEqual(["acc", "unacc"])
    expect(short("1.5,2.5", 2, rings)).toEqual(["1.5", "2.5"])
  })

  it("are none when they cannot be told apart", () => {
    expect(short("0\n1", 3)).toBeNull()
    expect(short('{"predictions":[1]}', 3)).toBeNull()
  })
})

const doors = fieldsOf({
  properties: {
    price: {
      title: "Price",
      oneOf: [
        { const: 0, title: "low" },
        { const: 1, title: "high", examples: ["highest"] },
      ],
    },
    doors: {
      title: "Doors",
      oneOf: [
        { const: 0, title: "2" },
        { const: 1, title: "3" },
        { const: 2, title: "4" },
      ],
    },
  },
  required: ["price", "doors"],
})
const mapped = (text: string) => map([...rowsOf(text)], doors)

describe("a person's file", () => {
  const values = (text: string) => {
    const found = mapped(text)
    return "problem" in found ? found.problem : found.rows.map((one) => one.values)
  }
  it("is read by the names of its columns, in any order", () => {
    expect(values("Doors,class,PRICE\n4,acc,high\n")).toEqual([{ price: 1, doors: 2 }])
    expect(mapped("Doors,class,PRICE\n4,acc,high\n")).toMatchObject({ unused: ["class"], hasHeader: true })
    expect(values("high,4\nlow,2\n")).toEqual([
      { price: 1, doors: 2 },
      { price: 0, doors: 0 },
    ])
  })

  it("decides for a whole column whether words or codes stand there", () => {
    expect(values("price,doors\n1,2\n0,0\n")).toEqual([
      { price: 1, doors: 2 },
      { price: 0, doors: 0 },
    ])
    expect(values("price,doors\n1,2\n")).toEqual([{ price: 1, doors: 2 }])
    expect(values("price,doors\nhigh,2\n")).toEqual([{ price: 1, doors: 0 }])
  })

  it("without a header may carry the truth before or behind", () => {
    expect(values("high,4,unacc\nlow,2,acc\n")).toEqual([
      { price: 1, doors: 2 },
      { price: 0, doors: 0 },
    ])
    expect(mapped("unacc,high,4\n")).toMatchObject({ header: ["column 1", "price", "doors"], unused: ["column 1"] })
  })

  it("may say a choice in other words", () => {
    expect(values("price,doors\nHIGHEST,4\n")).toEqual([{ price: 1, doors: 2 }])
  })

  it("names what cannot be asked", () => {
    expect(values("")).toBe("The file is empty.")
    expect(values("price,doors\n")).toBe("The file has a header and no rows.")
    expect(values("price,colour\nlow,red\n")).toBe("The file has no column for Doors.")
    expect(values("a\n")).toMatch(/names none of the inputs, and it has 1 column where 2 are needed: Price, Doors/)
    expect(values("a,b,c\n")).toMatch(/columns do not fit: name Price, Doors/)
    expect(values("0,1,2\n")).toMatch(/would fit in more than one place/)
    const found = mapped("price,doors\nlow,4\ncheap,\nlow,2,3\n")
    expect("refused" in found && found.refused).toEqual([
      { line: 3, reason: "Price: “cheap” is none of low, high. Doors: Pick one." },
      { line: 4, reason: "It has 3 cells where the file has 2 columns." },
    ])
  })
})

describe("a batch", () => {
  const answer = (row: number): Answer => ({ kind: "number", value: row })
  const rows = Array.from({ length: 120 }, (_, at) => at)
  const go = async (ask: (rows: readonly number[]) => Promise<Answer[] | null>, extra = {}) => {
    const seen: Progress[] = []
    const found = await run({
      rows,
      chunk: 50,
      signal: new AbortController().signal,
      onProgress: (one) => seen.push(one),
      sleep: async () => {},
      ask,
      ...extra,
    })
    return { ...found, seen }
  }

  it("sends rows together", async () => {
    const sizes: number[] = []
    const { outcomes, seen } = await go(async (part) => {
      sizes.push(part.length)
      return part.map(answer)
    })
    expect(sizes).toEqual([50, 50, 20])
    expect(outcomes[119]).toEqual({ answer: answer(119) })
    expect(seen.at(-1)).toMatchObject({ done: 120, failed: 0, requests: 3 })
  })

  it("asks row by row where answers cannot be told apart", async () => {
    let most = 0
    const { outcomes, seen } = await go(async (part) => {
      most = Math.max(most, part.length)
      return part.length === 1 ? part.map(answer) : null
    })
    expect(outcomes.every((one) => one && "answer" in one)).toBe(true)
    expect(seen.at(-1)?.requests).toBe(121)
  })

  it("finds the one row that the model cannot answer", async () => {
    const { outcomes } = await go(async (part) => {
      if (part.includes(77)) throw new Failure(424, "ModelError", "no")
      return part.map(answer)
    })
    expect(outcomes.filter((one) => one && "problem" in one)).toHaveLength(1)
    expect(outcomes[77]).toEqual({ problem: "The model could not answer: No" })
  })

  it("waits as long as it is told to, and tries once more where the server failed", async () => {
    let [time, calls]: [number, number] = [0, 0]
    const sleep = async (ms: number) => {
      time += ms
    }
    const ask = async (part: readonly number[]) => {
      calls++
      if (calls === 1) throw new Failure(429, "", "slow down", 7)
      if (calls === 2) throw new Failure(500, "", "oops")
      return part.map(answer)
    }
    const { seen, outcomes } = await go(ask, { sleep, now: () => time })
    expect(time).toBe(7_500)
    expect(seen.some((one) => one.waiting === 7)).toBe(true)
    expect(outcomes.every((one) => one && "answer" in one)).toBe(true)
  })

  it("stops where nobody is let in, and when it is cancelled", async () => {
    const shut = await go(async () => {
      throw new Failure(401, "", "no token")
    })
    expect(shut.stopped?.status).toBe(401)
    expect(shut.outcomes.filter(Boolean)).toHaveLength(0)
    const stop = new AbortController()
    const cut = await go(
      async (part) => {
        stop.abort()
        return part.map(answer)
      },
      { signal: stop.signal },
    )
    expect(cut.outcomes.filter(Boolean)).toHaveLength(50)
  })

  it("takes larger pieces of longer files", () => {
    expect([10, 2_000, 10_000, 1_000_000].map(chunkFor)).toEqual([50, 50, 250, 1_000])
  })
})

describe("the history", () => {
  const one = (at: number, x: string, live = false): Try => ({
    at,
    inputs: { x },
    answer: { kind: "class", label: "acc", share: 0.5, bars: [] },
    took: 3.4,
    live,
  })
  it("keeps the last 50, and of one live move the last", () => {
    expect(
      added(
        Array.from({ length: 50 }, (_, at) => one(at, "a")),
        one(99, "b"),
      ),
    ).toHaveLength(50)
    expect(added([one(0, "a", true)], one(1_000, "b", true))).toHaveLength(1)
    expect(added([one(0, "a", true)], one(9_000, "b", true))).toHaveLength(2)
    expect(added([one(0, "a")], one(1_000, "b"))).toHaveLength(2)
  })

  it("outlives a reload, and becomes a file", () => {
    const kept = new Map<string, string>()
    const storage = {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, text: string) => void kept.set(name, text),
    }
    new History("h", storage).add(one(0, "a,b"))
    const again = new History("h", storage)
    expect(again.list()).toHaveLength(1)
    expect(asCsv(again.list(), ["x"])).toBe(
      'time,x,answer,probability,milliseconds\r\n1970-01-01T00:00:00.000Z,"a,b",acc,0.5,3\r\n',
    )
    again.clear()
    expect(new History("h", storage).list()).toHaveLength(0)
  })
})
