/**
 * The lines of a log stream (or of all streams with a prefix), newest at the end, followed while `live`. Of a long log
 * the newest lines are read first, by FilterLogEvents from the end; then it goes on after the last line seen, so nothing
 * is fetched twice.
 */
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  type FilteredLogEvent,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Toggle from "@cloudscape-design/components/toggle"
import { useEffect, useRef, useState } from "react"
import { aws } from "@/aws/client"
import { FAST_MS, inWords, isMissing } from "@/aws/live"
import { count } from "./format"
import { filesName, save } from "./save"

export type Line = { at: number; stream: string; text: string; id: string }

/** `stream`: the one of exactly that name, not all that begin so. */
type Source = { group: string; prefix: string; stream?: string }

const within = ({ prefix, stream }: Source) =>
  stream ? { logStreamNames: [stream] } : prefix ? { logStreamNamePrefix: prefix } : {}
export const MOST_LINES = 5_000
/** From the end backwards CloudWatch reads only what is not older than this. */
const OLDEST = Date.UTC(2024, 0, 1)

/** A group comes with its first line; asking a group that is not there is an error that the browser's console shows. */
export async function groupExists(name: string): Promise<boolean> {
  const found = await aws(CloudWatchLogsClient).send(new DescribeLogGroupsCommand({ logGroupNamePrefix: name }))
  return (found.logGroups ?? []).some((one) => one.logGroupName === name) // the prefix itself is the first by name
}

/** The newest lines, the newest last; `most` of them where there are more. */
export async function newestLines(source: Source, most = MOST_LINES): Promise<Line[]> {
  const found: Line[] = []
  let nextToken: string | undefined
  do {
    const page = await aws(CloudWatchLogsClient).send(
      new FilterLogEventsCommand({
        logGroupName: source.group,
        ...within(source),
        startTime: OLDEST,
        startFromHead: false,
        limit: most - found.length,
        nextToken,
      }),
    )
    for (const one of page.events ?? []) found.push(lineOf(one))
    nextToken = page.nextToken
  } while (nextToken && found.length < most)
  return found.reverse()
}

const lineOf = (one: FilteredLogEvent): Line => ({
  at: one.timestamp ?? 0,
  stream: one.logStreamName ?? "",
  text: one.message ?? "",
  id: one.eventId ?? `${one.timestamp}${one.message}`,
})

/** What was logged from `since` (ms) on, and where to go on. */
export async function linesSince(source: Source, since: number, seen: ReadonlySet<string>): Promise<Line[]> {
  const found: Line[] = []
  let nextToken: string | undefined
  do {
    const page = await aws(CloudWatchLogsClient).send(
      new FilterLogEventsCommand({
        logGroupName: source.group,
        ...within(source),
        startTime: since,
        nextToken,
      }),
    )
    for (const one of page.events ?? []) {
      const line = lineOf(one)
      if (!seen.has(line.id)) found.push(line)
    }
    nextToken = page.nextToken
  } while (nextToken && found.length < MOST_LINES)
  return found
}

export function useLines(source: Source, live: boolean): { lines: Line[]; error: string; read: boolean } {
  const [lines, setLines] = useState<Line[]>([])
  const [error, setError] = useState("")
  const [read, setRead] = useState(false)
  const { group, prefix, stream } = source
  useEffect(() => {
    let [gone, there, first, timer, since] = [false, false, true, 0, 0]
    const seen = new Set<string>()
    setLines([])
    setRead(false)
    const look = async () => {
      try {
        there = there || (await groupExists(group))
        const more = !there
          ? []
          : first
            ? await newestLines({ group, prefix, stream })
            : await linesSince({ group, prefix, stream }, since, seen)
        if (gone) return
        first = first && !there
        for (const one of more) {
          seen.add(one.id)
          since = Math.max(since, one.at)
        }
        if (more.length) setLines((now) => [...now, ...more].sort((a, b) => a.at - b.at).slice(-MOST_LINES))
        setError("")
      } catch (problem) {
        if (gone) return
        setError(isMissing(problem) ? "" : inWords(problem))
      }
      setRead(true)
      if (live) timer = window.setTimeout(look, FAST_MS)
    }
    void look()
    return () => {
      gone = true
      clearTimeout(timer)
    }
  }, [group, prefix, stream, live])
  return { lines, error, read }
}

type Props = { group: string; prefix?: string; stream?: string; live?: boolean; title?: string }

export function LogView({ group, prefix = "", stream, live = false, title = "Logs" }: Props) {
  const { lines, error, read } = useLines({ group, prefix, stream }, live)
  const [wanted, setWanted] = useState("")
  const [follow, setFollow] = useState(true)
  const box = useRef<HTMLDivElement>(null)
  const shown = wanted ? lines.filter((one) => one.text.toLowerCase().includes(wanted.toLowerCase())) : lines
  const last = shown.at(-1)?.id
  useEffect(() => {
    if (follow && last !== undefined) box.current?.scrollTo({ top: box.current.scrollHeight })
  }, [last, follow])
  const streams = new Set(lines.map((one) => one.stream)).size
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${lines.length >= MOST_LINES ? `the newest ${count(lines.length)}` : count(lines.length)})`}
          description={`${group}${(stream ?? prefix) ? ` · ${stream ?? prefix}` : ""}${live ? " · live" : ""}`}
          actions={
            <SpaceBetween direction="horizontal" size="s" alignItems="center">
              <Toggle checked={follow} onChange={({ detail }) => setFollow(detail.checked)}>
                Follow
              </Toggle>
              <Button
                iconName="download"
                disabled={!lines.length}
                onClick={() =>
                  save(lines.map((one) => one.text).join("\n"), filesName(`${(stream ?? prefix) || group}.log`))
                }
              >
                Download
              </Button>
            </SpaceBetween>
          }
        >
          {title}
        </Header>
      }
    >
      <SpaceBetween size="s">
        <Input
          type="search"
          value={wanted}
          onChange={({ detail }) => setWanted(detail.value)}
          placeholder="Find in these lines"
          ariaLabel="Find in these lines"
        />
        {error && <Box color="text-status-error">{error}</Box>}
        <div ref={box} className="clary-log clary-scroll" role="log" aria-label={title} tabIndex={0}>
          {shown.length === 0 ? (
            <Box color="text-body-secondary">
              {!read
                ? "Reading …"
                : wanted
                  ? "No line has that."
                  : live
                    ? "No lines yet. They appear here as they are written."
                    : "Nothing was logged."}
            </Box>
          ) : (
            shown.map((one) => (
              <div key={one.id} className="clary-log-line">
                <span className="clary-log-time">{new Date(one.at).toISOString().slice(11, 23)}</span>
                {streams > 1 && <span className="clary-log-stream">{one.stream.split("/").at(-1)}</span>}
                <span>{one.text}</span>
              </div>
            ))
          )}
        </div>
      </SpaceBetween>
    </Container>
  )
}
