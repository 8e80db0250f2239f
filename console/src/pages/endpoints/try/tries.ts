/** What was tried on this endpoint in this tab: the last 50, gone with the tab. */
import { useState } from "react"
import { type Answer, ASK, type Ask } from "./invoke"

export type Try = { at: number; ask: Omit<Ask, "file">; file?: string; answer: Answer }

const MOST = 50
/** Longer bodies are not kept, so that the storage of a tab is enough for all tries. */
const MOST_LETTERS = 20_000

const place = (endpoint: string) => `clary.tries.${endpoint}`

export function read(endpoint: string, storage: Pick<Storage, "getItem"> = sessionStorage): Try[] {
  try {
    return JSON.parse(storage.getItem(place(endpoint)) ?? "[]") as Try[]
  } catch {
    return [] // written by another version of this page
  }
}

export function keep(tries: readonly Try[], ask: Ask, answer: Answer, at = Date.now()): Try[] {
  const { file, ...kept } = ask
  const one: Try = {
    at,
    ask: { ...kept, body: kept.body.slice(0, MOST_LETTERS) },
    ...(file ? { file: file.name } : {}),
    answer: { ...answer, text: answer.text.slice(0, MOST_LETTERS) },
  }
  return [one, ...tries].slice(0, MOST)
}

export function useTries(endpoint: string) {
  const [tries, set] = useState(() => read(endpoint))
  const write = (next: Try[]) => {
    set(next)
    sessionStorage.setItem(place(endpoint), JSON.stringify(next))
  }
  return {
    tries,
    add: (ask: Ask, answer: Answer) => write(keep(read(endpoint), ask, answer)),
    clear: () => write([]),
  }
}

/** What the box says when a try is brought back. */
export const again = (one: Try): Ask => ({ ...ASK, ...one.ask })
