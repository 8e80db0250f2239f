/**
 * Many marks, one stop of the Tab key: arrows go from mark to mark, Enter follows its link. With hundreds of trials
 * a page where each were a stop could not be left.
 */
import { type KeyboardEvent, useState } from "react"

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }

export function useRove(count: number) {
  const [at, setAt] = useState(0)
  const stop = Math.min(at, Math.max(0, count - 1))
  const keys = (event: KeyboardEvent<SVGElement>) => {
    const step = STEPS[event.key]
    const end = event.key === "Home" ? 0 : event.key === "End" ? count - 1 : undefined
    if (step === undefined && end === undefined) return
    event.preventDefault()
    const next = end ?? Math.min(count - 1, Math.max(0, stop + (step ?? 0)))
    setAt(next)
    event.currentTarget.querySelectorAll<SVGAElement>("a")[next]?.focus()
  }
  return { stop, setAt, keys }
}
