/** One captured request: in short, and opened with everything that was kept of it. */
import Badge from "@cloudscape-design/components/badge"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { Code } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { bytes } from "@/parts/format"
import { S3 } from "@/parts/s3"
import { Instant } from "@/parts/time"
import { brief, pretty } from "../try/pretty"
import type { Captured, Side } from "./lines"

const short = (side: Side | undefined): string =>
  side === undefined ? "not captured" : side.text === undefined ? `${bytes(side.bytes)}, no text` : brief(side.text, 80)

function Whole({ side, label }: { side: Side | undefined; label: string }) {
  if (side === undefined) return <Facts columns={1} facts={[[label, "Not captured"]]} />
  return (
    <SpaceBetween size="xs">
      <b>
        {label} <small>{[side.type, bytes(side.bytes), side.encoding].filter(Boolean).join(" · ")}</small>
      </b>
      {side.text === undefined ? <span>No text</span> : <Code label={label} text={pretty(side.text)} />}
    </SpaceBetween>
  )
}

export function Line({ one }: { one: Captured }) {
  const [open, setOpen] = useState(false)
  return (
    <li>
      <ExpandableSection
        expanded={open}
        onChange={({ detail }) => setOpen(detail.expanded)}
        headerText={
          <span className="clary-captured-head">
            <Instant when={one.at} />
            <Badge>{one.variant}</Badge>
            <span className="clary-mono">
              {short(one.input)} → {short(one.output)}
            </span>
          </span>
        }
      >
        {open && (
          <SpaceBetween size="m">
            <ColumnLayout columns={2} minColumnWidth={300}>
              <Whole side={one.input} label="Input" />
              <Whole side={one.output} label="Output" />
            </ColumnLayout>
            <Facts
              columns={3}
              facts={[
                ["Request id", one.id],
                ["Inference id", one.inferenceId],
                ["Custom attributes", one.attributes],
                ["File", <S3 key="uri" uri={one.uri} />],
                ["Line", one.line],
              ]}
            />
          </SpaceBetween>
        )}
      </ExpandableSection>
    </li>
  )
}
