/** Whether this is a phone: a graph is too small to be read there, and a table has room for few columns. */
import { useState } from "react"

const NARROW = 700

/** As it was when the page was opened: what is shown does not change under the eyes of whoever turns the phone. */
export function useNarrow(): boolean {
  const [narrow] = useState(() => innerWidth < NARROW)
  return narrow
}
