/** One stream: its newest lines, followed, or its pages from any instant on, however long it is. */
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useSearchParams } from "react-router"
import { useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count, instant } from "@/parts/format"
import { LogView } from "@/parts/log-view"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { consoleHref, useFollow } from "@/shell/link"
import { usePage } from "@/shell/title"
import { groupAt, writerAt } from "./place"
import { sheet, type Turn } from "./reads"

export function StreamPage({ group, stream }: { group: string; stream: string }) {
  usePage([
    { text: "Logs", href: "/operate/logs" },
    { text: group, href: groupAt(group) },
    { text: stream, href: "" },
  ])
  const follow = useFollow()
  const [params, setParams] = useSearchParams()
  const paged = params.get("show") === "pages"
  const writer = writerAt(group, stream)
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description={group}
        actions={
          <SpaceBetween direction="horizontal" size="xs" alignItems="center">
            <SegmentedControl
              label="What is shown"
              selectedId={paged ? "pages" : "newest"}
              onChange={({ detail }) =>
                setParams(
                  (now) => {
                    if (detail.selectedId === "pages") now.set("show", "pages")
                    else now.delete("show")
                    return now
                  },
                  { replace: true },
                )
              }
              options={[
                { id: "newest", text: "Newest" },
                { id: "pages", text: "From the start" },
              ]}
            />
            {writer && (
              <Button href={consoleHref(writer)} onFollow={follow}>
                Show what wrote it
              </Button>
            )}
          </SpaceBetween>
        }
      >
        <span className="clary-break">{stream}</span>
      </Header>
      {paged ? <Sheets group={group} stream={stream} /> : <LogView group={group} stream={stream} live title="Lines" />}
    </SpaceBetween>
  )
}

const LINES = 1_000
const BEGINNING = new Date(0)

function Sheets({ group, stream }: { group: string; stream: string }) {
  const [turn, setTurn] = useState<Turn>({ start: BEGINNING })
  const [from, setFrom] = useState("")
  const wanted = new Date(from)
  const bad = from !== "" && Number.isNaN(wanted.getTime())
  const { data, error, refetch, isFetching } = useLive(
    ["log-sheet", group, stream, turn],
    () => sheet(group, stream, turn, LINES),
    { every: false },
  )
  const [first, last] = [data?.lines[0], data?.lines.at(-1)]
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={data && `(${count(data.lines.length)})`}
          description={
            first && last ? `${instant(new Date(first.at))} to ${instant(new Date(last.at))}` : "No line is here"
          }
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Input
                value={from}
                onChange={({ detail }) => setFrom(detail.value)}
                placeholder="2026-11-22 14:00"
                ariaLabel="Lines from this instant on"
                invalid={bad}
              />
              <Button disabled={bad} onClick={() => setTurn({ start: from ? wanted : BEGINNING })}>
                Go
              </Button>
              <Button
                iconName="angle-left"
                ariaLabel="Older lines"
                disabled={isFetching || !data?.older}
                onClick={() => setTurn({ token: data?.older })}
              />
              <Button
                iconName="angle-right"
                ariaLabel="Newer lines"
                disabled={isFetching || !data?.newer}
                onClick={() => setTurn({ token: data?.newer })}
              />
            </SpaceBetween>
          }
        >
          Lines
        </Header>
      }
    >
      {error ? (
        <Problem error={error} again={() => void refetch()} />
      ) : !data ? (
        <Waiting what="Reading lines" />
      ) : data.lines.length === 0 ? (
        <Empty title="No further line in this direction" />
      ) : (
        <div className="clary-log clary-scroll clary-tail" role="log" aria-label="Lines" tabIndex={0}>
          {data.lines.map((one, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of a page stand where they stand
            <div key={at} className="clary-log-line">
              <span className="clary-log-time">{new Date(one.at).toISOString().slice(0, 23).replace("T", " ")}</span>
              <span>{one.text}</span>
            </div>
          ))}
        </div>
      )}
    </Container>
  )
}
