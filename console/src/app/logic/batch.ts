/**
 * Many rows: several in one request where the model tells which answer is whose, else one by one, four at a time.
 *
 * A request that the rate limit turns away waits as long as it is told to. One that fails is asked once more, and then in
 * halves down to the row that the model cannot answer.
 */
import type { Answer } from "./answer"
import { Failure, passes, told } from "./failure"

export type Outcome = { answer: Answer } | { problem: string }
export type Progress = { done: number; failed: number; total: number; began: number; waiting: number; requests: number }

type Options<Row> = {
  rows: readonly Row[]
  /** Answers a row each, in the same order; null: the body did not tell whose is whose. */
  ask: (rows: readonly Row[], signal: AbortSignal) => Promise<Answer[] | null>
  /** Rows a request. */
  chunk: number
  signal: AbortSignal
  onProgress: (progress: Progress) => void
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>
  now?: () => number
}

const AT_ONCE = 4
const LONGEST_WAIT_S = 120
/** Turned away or unreachable this often in a row, a request is given up. */
const MOST_WAITS = 30

/** More rows are sent in larger pieces, so that a limit on requests does not make a long file endless. */
export const chunkFor = (rows: number): number => Math.min(1_000, Math.max(50, Math.ceil(rows / 40)))

/** The outcome of each row; undefined: it was not asked, because somebody cancelled or `stopped` says why. */
export async function run<Row>(
  options: Options<Row>,
): Promise<{ outcomes: (Outcome | undefined)[]; stopped: Failure | null }> {
  const { rows, ask, signal, onProgress, sleep = pause, now = Date.now } = options
  const outcomes: (Outcome | undefined)[] = new Array(rows.length)
  const progress: Progress = { done: 0, failed: 0, total: rows.length, began: now(), waiting: 0, requests: 0 }
  let [size, next, fatal]: [number, number, Failure | null] = [Math.max(1, options.chunk), 0, null]
  // Who is told to wait makes everybody wait: the limit is the page's, not the request's.
  let quiet = 0

  const settle = (from: number, found: readonly Outcome[]) => {
    for (const [at, one] of found.entries()) {
      outcomes[from + at] = one
      progress.done++
      if ("problem" in one) progress.failed++
    }
    onProgress({ ...progress })
  }

  const asked = async (part: readonly Row[], first: boolean): Promise<Answer[] | null> => {
    let again = 1
    for (let waits = 0; ; waits++) {
      while (quiet > now() && !signal.aborted) {
        progress.waiting = Math.ceil((quiet - now()) / 1000)
        onProgress({ ...progress })
        await sleep(Math.min(1_000, quiet - now()), signal)
      }
      progress.waiting = 0
      signal.throwIfAborted()
      try {
        progress.requests++
        return await ask(part, signal)
      } catch (error) {
        signal.throwIfAborted()
        const limited = error instanceof Failure && (error.status === 429 || error.status === 503)
        if (limited && waits < MOST_WAITS) quiet = now() + 1000 * Math.min(LONGEST_WAIT_S, error.after ?? 2)
        else if (again-- > 0 && (passes(error) || (first && failed(error)))) await sleep(500, signal)
        else throw error
      }
    }
  }

  /** `first`: not the half of a piece that failed. */
  const piece = async (from: number, part: readonly Row[], first = true): Promise<void> => {
    try {
      const answers = await asked(part, first)
      if (answers !== null)
        return settle(
          from,
          answers.map((answer) => ({ answer })),
        )
      size = 1 // these answers cannot be told apart: from now on each row is asked alone
    } catch (error) {
      if (signal.aborted) return
      // Nobody is let in, or nothing is there: every other row would hear the same.
      if (error instanceof Failure && [401, 403, 404].includes(error.status)) {
        fatal = error
        return
      }
      const { title, words } = told(error)
      if (part.length === 1 || passes(error))
        return settle(
          from,
          part.map(() => ({ problem: `${title}: ${words}` })),
        )
    }
    const half = size === 1 ? 1 : Math.ceil(part.length / 2)
    for (let at = 0; at < part.length && !signal.aborted; at += half)
      await piece(from + at, part.slice(at, at + half), false)
  }

  const worker = async () => {
    while (next < rows.length && !signal.aborted && !fatal) {
      const from = next
      next = Math.min(rows.length, from + size)
      await piece(from, rows.slice(from, next))
    }
  }
  // The first piece alone tells whether rows can go together.
  next = Math.min(size, rows.length)
  if (next > 0) await piece(0, rows.slice(0, next))
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { outcomes, stopped: fatal }
}

/** The model itself failed: it may have been a moment of its process, or it is one of the rows. */
const failed = (error: unknown): boolean => error instanceof Failure && error.status === 424

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
