import { expect, test } from "vitest"
import { remembering } from "./remembered"

const named = (name: string) => Object.assign(new Error("no"), { name })

test("what was read holds while its key does", async () => {
  const remembered = remembering<number>()
  let asked = 0
  const read = async () => ++asked
  expect(await remembered("a", read)).toBe(1)
  expect(await remembered("a", read)).toBe(1)
  expect(await remembered("b", read)).toBe(2)
})

test("what is gone is undefined, and is asked for again", async () => {
  const remembered = remembering<number>()
  expect(await remembered("a", () => Promise.reject(named("ResourceNotFound")))).toBeUndefined()
  expect(await remembered("a", async () => 1)).toBe(1)
})

test("another failure is told, and not remembered", async () => {
  const remembered = remembering<number>()
  await expect(remembered("a", () => Promise.reject(named("ThrottlingException")))).rejects.toThrow("no")
  expect(await remembered("a", async () => 1)).toBe(1)
})
