/** What comes in now, over groups: StartLiveTail, the stream of events that CloudWatch Logs sends once a second. */
import { StartLiveTailCommand } from "@aws-sdk/client-cloudwatch-logs"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator from "@cloudscape-design/components/status-indicator"
import { useEffect, useRef, useState } from "react"
import { useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { inWords } from "@/aws/live"
import { count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { GroupsField, PatternField, PatternHelp } from "./pattern"
import { readGroup } from "./reads"
import { TailClient } from "./tail-client"

type Line = { key: number; at: number; stream: string; text: string }
type State = { lines: Line[]; sampled: boolean; error: string; ended: boolean; begun: boolean }

const NOTHING: State = { lines: [], sampled: false, error: "", ended: false, begun: false }
const MOST_LINES = 2_000

/** Reads the stream until `stop` says that nobody looks any more. */
async function follow(
  groups: string[],
  pattern: string,
  stop: AbortSignal,
  hear: (change: (now: State) => State) => void,
) {
  const found = await Promise.all(groups.map(readGroup))
  const arns = found.flatMap((one) => one?.logGroupArn ?? [])
  if (arns.length < groups.length) throw new Error(`There is no log group ${groups[found.indexOf(null)]}`)
  const answer = await aws(TailClient).send(
    new StartLiveTailCommand({ logGroupIdentifiers: arns, logEventFilterPattern: pattern || undefined }),
    { abortSignal: stop },
  )
  let key = 0
  for await (const event of answer.responseStream ?? []) {
    if (stop.aborted) return
    if (event.sessionStart) hear((now) => ({ ...now, begun: true }))
    if (event.SessionTimeoutException) throw event.SessionTimeoutException
    if (event.SessionStreamingException) throw event.SessionStreamingException
    const update = event.sessionUpdate
    if (!update?.sessionResults?.length) continue
    const fresh = update.sessionResults.map((one) => ({
      key: ++key,
      at: one.timestamp ?? 0,
      stream: one.logStreamName ?? "",
      text: one.message ?? "",
    }))
    hear((now) => ({
      ...now,
      lines: [...now.lines, ...fresh].slice(-MOST_LINES),
      sampled: now.sampled || (update.sessionMetadata?.sampled ?? false),
    }))
  }
  hear((now) => ({ ...now, ended: true }))
}

export function Tail() {
  const [params, setParams] = useSearchParams()
  const groups = params.getAll("g")
  const pattern = params.get("p") ?? ""
  const [typed, setTyped] = useState(pattern)
  const [running, setRunning] = useState<{ groups: string[]; pattern: string } | null>(null)
  const [state, setState] = useState(NOTHING)
  const box = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (running === null) return
    const stop = new AbortController()
    setState(NOTHING)
    follow(running.groups, running.pattern, stop.signal, (change) => !stop.signal.aborted && setState(change)).catch(
      (problem: unknown) => {
        if (!stop.signal.aborted) setState((now) => ({ ...now, error: inWords(problem), ended: true }))
      },
    )
    return () => stop.abort()
  }, [running])
  const last = state.lines.at(-1)?.key
  useEffect(() => {
    if (last !== undefined) box.current?.scrollTo({ top: box.current.scrollHeight })
  }, [last])

  const start = (text = typed) => {
    setTyped(text)
    setParams(
      (now) => {
        const to = new URLSearchParams(now)
        if (text) to.set("p", text)
        else to.delete("p")
        return to
      },
      { replace: true },
    )
    if (groups.length) setRunning({ groups, pattern: text })
  }
  const on = running !== null && !state.ended
  return (
    <SpaceBetween size="l">
      <Container>
        <SpaceBetween size="m">
          <GroupsField
            groups={groups}
            onChange={(next) => {
              setRunning(null)
              setParams(
                (now) => {
                  const to = new URLSearchParams(now)
                  to.delete("g")
                  for (const one of next) to.append("g", one)
                  return to
                },
                { replace: true },
              )
            }}
          />
          <PatternField value={typed} onChange={setTyped} onEnter={() => start()} />
          <div className="clary-controls">
            {on ? (
              <Button onClick={() => setRunning(null)}>Stop</Button>
            ) : (
              <Button variant="primary" disabled={groups.length === 0} onClick={() => start()}>
                Start
              </Button>
            )}
          </div>
          <PatternHelp onTry={(text) => start(text)} />
        </SpaceBetween>
      </Container>
      {state.error && <Problem error={new Error(state.error)} header="It cannot be followed" />}
      <Container
        header={
          <Header
            variant="h2"
            counter={`(${count(state.lines.length)})`}
            description={state.sampled ? "More came than can be shown: these are some of them" : undefined}
            actions={
              <StatusIndicator type={on ? (state.begun ? "in-progress" : "loading") : "stopped"}>
                {on ? (state.begun ? "Live" : "Starting") : "Stopped"}
              </StatusIndicator>
            }
          >
            Lines
          </Header>
        }
      >
        <div
          ref={box}
          className="clary-log clary-scroll clary-tail"
          role="log"
          aria-label="Lines that come in"
          tabIndex={0}
        >
          {state.lines.length === 0 && (
            <Box color="text-body-secondary">
              {on ? "No line yet. Lines appear here as they are written." : "Choose groups and start."}
            </Box>
          )}
          {state.lines.map((one) => (
            <div key={one.key} className="clary-log-line">
              <span className="clary-log-time">{new Date(one.at).toISOString().slice(11, 23)}</span>
              <span className="clary-log-stream">{one.stream}</span>
              <span>{one.text}</span>
            </div>
          ))}
        </div>
      </Container>
    </SpaceBetween>
  )
}
