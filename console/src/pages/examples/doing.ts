/**
 * What this tab is doing with the examples: starting one, cleaning one up. It goes on while other pages are looked at;
 * other tabs see what comes of it on the wire.
 */
import { useSyncExternalStore } from "react"
import { inWords } from "@/aws/live"
import { inventory, type Thing } from "./inventory"
import { remove } from "./removing"
import { start } from "./start"

export type Removal = Thing & { state: "waiting" | "removing" | "gone" | "failed"; why?: string }
export type Doing = {
  /** What the start is at; "": none goes on. */
  starting: string
  startFailed: string
  cleaning: boolean
  /** What the last cleaning met, in its order. */
  removals: Removal[]
  cleanFailed: string
}

const NOTHING: Doing = { starting: "", startFailed: "", cleaning: false, removals: [], cleanFailed: "" }
/** A model and its configuration may have one name. */
export const keyOf = (thing: Thing): string => `${thing.kind} ${thing.id}`

/** What appears while a cleaning goes on (a version that a run still registered) is cleaned, too. */
const PASSES = 3

let now: Record<string, Doing> = {}
const listeners = new Set<() => void>()

function set(example: string, change: Partial<Doing>): void {
  now = { ...now, [example]: { ...(now[example] ?? NOTHING), ...change } }
  for (const listener of listeners) listener()
}

export function useDoing(example: string): Doing {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => now[example] ?? NOTHING,
  )
}

const busy = (example: string): boolean => Boolean(now[example]?.starting || now[example]?.cleaning)

/** Once; asked for again while it goes on, it is not begun a second time. */
export async function begin(example: string): Promise<void> {
  if (busy(example)) return
  set(example, { ...NOTHING, starting: "Looking what is there" })
  try {
    await start(example, (starting) => set(example, { starting }))
    set(example, { starting: "" })
  } catch (error) {
    set(example, { starting: "", startFailed: inWords(error) })
  }
}

export async function clean(example: string): Promise<void> {
  if (busy(example)) return
  set(example, { ...NOTHING, cleaning: true })
  try {
    for (let pass = 0; pass < PASSES; pass += 1) {
      const tried = new Set(now[example]?.removals.map(keyOf))
      const things = (await inventory(example)).filter((one) => !tried.has(keyOf(one)))
      if (!things.length) break
      const waiting = things.map((one): Removal => ({ ...one, state: "waiting" }))
      set(example, { removals: [...(now[example]?.removals ?? []), ...waiting] })
      for (const thing of things) await removeOne(example, thing)
    }
    set(example, { cleaning: false })
  } catch (error) {
    set(example, { cleaning: false, cleanFailed: inWords(error) })
  }
}

async function removeOne(example: string, thing: Thing): Promise<void> {
  const say = (change: Partial<Removal>) =>
    set(example, {
      removals: (now[example]?.removals ?? []).map((one) =>
        keyOf(one) === keyOf(thing) ? { ...one, ...change } : one,
      ),
    })
  say({ state: "removing" })
  try {
    await remove(thing)
    say({ state: "gone" })
  } catch (error) {
    say({ state: "failed", why: inWords(error) })
  }
}
