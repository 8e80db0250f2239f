/** The checklist of an example: where it stands, with the way to each thing. */

import Link from "@cloudscape-design/components/link"
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator"
import { To } from "@/shell/link"
import type { Item, State } from "./checklist"

const DRAWN: Record<State, { type: StatusIndicatorProps.Type; said: string }> = {
  done: { type: "success", said: "Done" },
  now: { type: "in-progress", said: "Now" },
  you: { type: "info", said: "Your turn" },
  later: { type: "pending", said: "Later" },
  failed: { type: "error", said: "Failed" },
}

export function Road({ items }: { items: readonly Item[] }) {
  return (
    <ol className="clary-road" aria-label="The road">
      {items.map((one) => (
        <Stop key={one.id} item={one} />
      ))}
    </ol>
  )
}

function Stop({ item }: { item: Item }) {
  const { type, said } = DRAWN[item.state]
  return (
    <li data-state={item.state}>
      <span className="clary-road-title">
        <StatusIndicator type={type} iconAriaLabel={said}>
          {item.title}
        </StatusIndicator>
      </span>
      <span className="clary-road-detail">
        {item.state === "you" && <span className="clary-road-you">Your turn. </span>}
        {item.detail}
        {item.detail && item.link ? " · " : ""}
        {item.link &&
          (item.link.external ? (
            <Link href={item.link.to} external externalIconAriaLabel="Opens in a new tab">
              {item.link.text}
            </Link>
          ) : (
            <To to={item.link.to}>{item.link.text}</To>
          ))}
      </span>
    </li>
  )
}
