/** A line that opens to more of itself: a summary, and what is below it. In the size of the text around it. */
import type { ReactNode } from "react"

export function Fold({ head, children }: { head: ReactNode; children: ReactNode }) {
  return (
    <details className="clary-fold">
      <summary>{head}</summary>
      <div className="clary-fold-body">{children}</div>
    </details>
  )
}
