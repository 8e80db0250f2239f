/** What a job said last, beside the reason for which it failed. */
import { Code } from "@/parts/copy"
import { useLines } from "@/parts/log-view"
import type { Logs } from "./made"

const MOST = 12

/** Nothing where the reason has them already. */
export function LastLines({ logs, reason }: { logs: Logs; reason: string }) {
  const { lines } = useLines(logs, false)
  if (!lines.length || reason.includes(lines.at(-1)?.text ?? "")) return null
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
