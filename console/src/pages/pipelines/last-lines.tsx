/** What a job said last, beside the reason for which it failed. */
import { Code } from "@/parts/copy"
import { useLines } from "@/parts/log-view"
import type { Logs } from "./made"

const MOST = 12

export function LastLines({ logs }: { logs: Logs }) {
  const { lines } = useLines(logs, false)
  if (!lines.length) return null
  return (
    <Code
      label="Last lines of the log"
      text={lines
        .slice(-MOST)
        .map((one) => one.text)
        .join("\n")}
    />
  )
}
