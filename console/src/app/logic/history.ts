/** The tries of this tab: the last 50, newest first, gone with the tab. */
import { type Answer, inShort } from "./answer"
import { line } from "./csv"
import { parsed } from "./json"

export type Try = {
  /** ms since the epoch. */
  at: number
  /** Names of the inputs and the words for their values, as `written` makes them. */
  inputs: Record<string, string>
  answer: Answer
  took: number
  /** Asked while somebody changed inputs, not by the button. */
  live: boolean
}

const MOST = 50
/** Live tries that follow one another this fast are one: only the last is kept. */
const ONE_MOVE_MS = 4_000
/** What is longer is not kept: a tab's storage is small. */
const MOST_LETTERS = 4_000

export function added(tries: readonly Try[], one: Try): Try[] {
  const [last, ...rest] = tries
  const same = last !== undefined && JSON.stringify(last.inputs) === JSON.stringify(one.inputs)
  const moved = last?.live && one.live && one.at - last.at < ONE_MOVE_MS
  const kept = last !== undefined && ((same && one.live) || moved) ? rest : tries
  return [one, ...kept].slice(0, MOST)
}

/** A table of all tries, oldest first. */
export function asCsv(tries: readonly Try[], names: readonly string[]): string {
  const rows = [...tries].reverse().map((one) => {
    const share = one.answer.kind === "class" ? one.answer.share : undefined
    const inputs = names.map((name) => one.inputs[name] ?? "")
    return line([
      new Date(one.at).toISOString(),
      ...inputs,
      inShort(one.answer),
      String(share ?? ""),
      String(Math.round(one.took)),
    ])
  })
  return `${[line(["time", ...names, "answer", "probability", "milliseconds"]), ...rows].join("\r\n")}\r\n`
}

export class History {
  private tries: Try[]

  constructor(
    private readonly place: string,
    private readonly storage: Pick<Storage, "getItem" | "setItem"> = sessionStorage,
  ) {
    const kept = parsed(storage.getItem(place) ?? "")
    this.tries = Array.isArray(kept) ? (kept as unknown as Try[]) : []
  }

  list(): readonly Try[] {
    return this.tries
  }

  add(one: Try): void {
    const long = Object.values(one.inputs).some((text) => text.length > MOST_LETTERS)
    if (long || inShort(one.answer).length > MOST_LETTERS) return
    this.keep(added(this.tries, one))
  }

  clear(): void {
    this.keep([])
  }

  private keep(tries: Try[]): void {
    this.tries = tries
    this.storage.setItem(this.place, JSON.stringify(tries))
  }
}
