/** The marks of the time line as words: what happened in this time, the newest first. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import ToggleButton from "@cloudscape-design/components/toggle-button"
import { useState } from "react"
import { inWords } from "@/aws/live"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { Sign } from "./drawing"
import { KIND_WORDS, type Kind, type Mark } from "./marks"

const FEW = 6
const KINDS: Kind[] = ["change", "scaling", "alarm"]
const MANY: Record<Kind, string> = { change: "Changes", scaling: "Scaling", alarm: "Alarms" }

type Props = { marks: Mark[]; hidden: Kind[]; onHide: (kinds: Kind[]) => void; error: Error | null; span: string }

export function Happened({ marks, hidden, onHide, error, span }: Props) {
  const [whole, setWhole] = useState(false)
  const shown = whole ? marks : marks.slice(0, FEW)
  return (
    <SpaceBetween size="s">
      <div className="clary-happened-head">
        <Box variant="h3">What happened</Box>
        <SpaceBetween direction="horizontal" size="xs">
          {KINDS.map((kind) => (
            <ToggleButton
              key={kind}
              pressed={!hidden.includes(kind)}
              onChange={({ detail }) =>
                onHide(detail.pressed ? hidden.filter((one) => one !== kind) : [...hidden, kind])
              }
            >
              {MANY[kind]}
            </ToggleButton>
          ))}
        </SpaceBetween>
      </div>
      {error && <Box color="text-status-error">{inWords(error)}</Box>}
      {marks.length === 0 ? (
        <Box color="text-body-secondary">
          Nothing changed, scaled or called within the last {span}
          {hidden.length ? ", of what is shown" : ""}.
        </Box>
      ) : (
        <ul className="clary-happened">
          {shown.map((mark) => (
            <li key={mark.id}>
              <Sign kind={mark.kind} tone={mark.tone} />
              <span className="clary-happened-when">
                <Instant when={new Date(mark.at)} />
              </span>
              <span className="clary-break">
                <span className="clary-happened-kind">{KIND_WORDS[mark.kind]}</span>{" "}
                {mark.href ? <To to={mark.href}>{mark.title}</To> : mark.title}
                {mark.detail && <small className="clary-happened-detail">{mark.detail}</small>}
              </span>
            </li>
          ))}
        </ul>
      )}
      {marks.length > FEW && (
        <Button variant="inline-link" onClick={() => setWhole(!whole)}>
          {whole ? "Show fewer" : `Show all ${marks.length}`}
        </Button>
      )}
    </SpaceBetween>
  )
}
