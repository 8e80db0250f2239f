/** The audit trail: who did what, when, from where, and what came of it. */
import type { Event } from "@aws-sdk/client-cloudtrail"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Checkbox from "@cloudscape-design/components/checkbox"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator from "@cloudscape-design/components/status-indicator"
import { useEffect, useState } from "react"
import { useSearchParams } from "react-router"
import { SLOW_MS, useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { usePage } from "@/shell/title"
import { RangePicker } from "../metrics/range-picker"
import { bounds, rangeOf, writeRange } from "../metrics/ranges"
import { Detail } from "./detail"
import { ATTRIBUTES, isAttribute, lookup, recordOf, who } from "./reads"

/** The name in an ARN: what follows the kind of the resource. */
const named = (arn: string): string =>
  arn.startsWith("arn:")
    ? arn
        .split(":")
        .slice(5)
        .join(":")
        .replace(/^[\w-]+[/:]|:(log-stream:)?\*?$/g, "") || arn
    : arn

const resources = (one: Event): string =>
  [...new Set((one.Resources ?? []).map((each) => named(each.ResourceName ?? "")))].join(", ")

const service = (one: Event): string => (one.EventSource ?? "").replace(".amazonaws.com", "")

const columns = (here: (id: string) => string): Column<Event>[] => [
  {
    id: "when",
    header: "When",
    text: (one) => one.EventTime,
    cell: (one) => (
      <span className="clary-nowrap">
        <Instant when={one.EventTime} />
      </span>
    ),
  },
  {
    id: "what",
    header: "Event",
    isRowHeader: true,
    text: (one) => `${one.EventName} ${service(one)}`,
    cell: (one) => (
      <>
        <To to={here(one.EventId ?? "")}>{one.EventName}</To>
        <Box variant="small" color="text-body-secondary" display="block">
          {service(one)}
        </Box>
      </>
    ),
  },
  {
    id: "who",
    header: "Who",
    minWidth: 110,
    text: who,
    cell: (one) => <span className="clary-break">{who(one)}</span>,
  },
  {
    id: "resource",
    header: "Resource",
    text: resources,
    cell: (one) => <span className="clary-break">{resources(one) || "–"}</span>,
  },
  {
    id: "from",
    header: "From",
    text: (one) => recordOf(one).sourceIPAddress,
    cell: (one) => recordOf(one).sourceIPAddress ?? "–",
  },
  {
    id: "came",
    header: "Outcome",
    minWidth: 130,
    text: (one) => recordOf(one).errorCode ?? "",
    cell: (one) => {
      const code = recordOf(one).errorCode
      return code ? <StatusIndicator type="error">{code}</StatusIndicator> : <StatusIndicator>Done</StatusIndicator>
    },
  },
]

const OPTIONS = Object.entries(ATTRIBUTES).map(([value, label]) => ({ value, label }))
const PAGE = 100

export default function Audit() {
  usePage([{ text: "Audit", href: "/operate/audit" }])
  const [params, setParams] = useSearchParams()
  const asked = params.get("by") ?? ""
  const by = isAttribute(asked) ? asked : "EventName"
  const value = params.get("value") ?? ""
  const reads = params.get("reads") === "yes"
  // A day where nothing is said: what one looks for was seldom within the last hour.
  const range = params.has("range") || params.has("from") ? rangeOf(params) : { kind: "last" as const, seconds: 86_400 }
  const id = params.get("id")
  const [typed, setTyped] = useState(value)
  const [most, setMost] = useState(PAGE)
  useEffect(() => setTyped(value), [value])
  const change = (edit: (to: URLSearchParams) => void) =>
    setParams(
      (now) => {
        const to = new URLSearchParams(now)
        edit(to)
        return to
      },
      { replace: true },
    )
  const here = (event: string) => {
    const to = new URLSearchParams(params)
    to.set("id", event)
    return `/operate/audit?${to}`
  }
  const { data, error, refetch, isFetching } = useLive(
    ["audit", by, value, reads, range, most],
    () => lookup({ by, value, reads, ...bounds(range, 60, Date.now()) }, most),
    { every: range.kind === "last" && most === PAGE ? SLOW_MS : false },
  )
  const look = () => change((to) => (typed.trim() ? to.set("value", typed.trim()) : to.delete("value")))
  return (
    <SpaceBetween size="l">
      <Header
        variant="h1"
        description="Every call of the control plane: who, what, when, from where, and what came of it. Data itself (objects, inferences, log lines) is not in it."
      >
        Audit
      </Header>
      <div className="clary-controls">
        <Select
          ariaLabel="Look for"
          inlineLabelText="Look for"
          options={OPTIONS}
          selectedOption={OPTIONS.find((one) => one.value === by) ?? null}
          onChange={({ detail }) => change((to) => to.set("by", detail.selectedOption.value ?? "EventName"))}
        />
        <Input
          type="search"
          value={typed}
          placeholder={by === "EventSource" ? "sagemaker.amazonaws.com" : by === "EventName" ? "CreateTrainingJob" : ""}
          ariaLabel={ATTRIBUTES[by]}
          onChange={({ detail }) => {
            setTyped(detail.value)
            if (detail.value === "") change((to) => to.delete("value"))
          }}
          onKeyDown={({ detail }) => detail.key === "Enter" && look()}
        />
        <Button onClick={look}>Look up</Button>
        <RangePicker range={range} onChange={(next) => change((to) => writeRange(to, next))} />
        <Checkbox
          checked={reads}
          onChange={({ detail }) => change((to) => (detail.checked ? to.set("reads", "yes") : to.delete("reads")))}
        >
          Also what only reads
        </Checkbox>
      </div>
      <ResourceTable<Event>
        title="Events"
        description={data?.more ? `The newest ${count(data.events.length)}` : undefined}
        rows={data?.events}
        columns={columns(here)}
        id={(one) => one.EventId ?? ""}
        error={error}
        again={() => void refetch()}
        wrap
        actions={
          data?.more && (
            <Button loading={isFetching} onClick={() => setMost(most + 5 * PAGE)}>
              Read older ones
            </Button>
          )
        }
        empty={
          <Empty
            title="No such event in that time"
            action={
              value || !reads ? (
                <Button
                  onClick={() =>
                    change((to) => {
                      to.delete("value")
                      to.set("reads", "yes")
                      writeRange(to, { kind: "last", seconds: 7 * 86_400 })
                    })
                  }
                >
                  Show everything of a week
                </Button>
              ) : undefined
            }
          >
            Events are kept for 90 days.
          </Empty>
        }
      />
      {id && <Detail id={id} onClose={() => change((to) => to.delete("id"))} />}
    </SpaceBetween>
  )
}
