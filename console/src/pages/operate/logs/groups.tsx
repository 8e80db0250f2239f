/** All log groups: how much each takes, how long it keeps it. */
import { CreateLogGroupCommand, type LogGroup } from "@aws-sdk/client-cloudwatch-logs"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import { useState } from "react"
import { useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Empty } from "@/parts/empty"
import { bytes, count } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Ago } from "@/parts/time"
import { consoleHref, To, useFollow } from "@/shell/link"
import { groupAt, searchAt } from "./place"
import { listGroups, logs } from "./reads"
import { kept } from "./retention"

const COLUMNS: Column<LogGroup>[] = [
  {
    id: "name",
    header: "Group",
    isRowHeader: true,
    text: (one) => one.logGroupName,
    cell: (one) => (
      <span className="clary-break">
        <To to={groupAt(one.logGroupName ?? "")}>{one.logGroupName}</To>
      </span>
    ),
  },
  {
    id: "size",
    header: "On disk",
    text: (one) => one.storedBytes,
    cell: (one) => <span className="clary-numbers clary-nowrap">{bytes(one.storedBytes)}</span>,
  },
  {
    id: "kept",
    header: "Kept",
    text: (one) => one.retentionInDays ?? Number.POSITIVE_INFINITY,
    cell: (one) => kept(one.retentionInDays),
  },
  {
    id: "filters",
    header: "Metric filters",
    text: (one) => one.metricFilterCount,
    cell: (one) => count(one.metricFilterCount),
  },
  {
    id: "made",
    header: "Made",
    text: (one) => one.creationTime,
    cell: (one) => <Ago when={one.creationTime === undefined ? undefined : new Date(one.creationTime)} />,
  },
  {
    id: "search",
    header: "Search",
    cell: (one) => (
      <To to={searchAt(one.logGroupName ?? "")} ariaLabel={`Search ${one.logGroupName}`}>
        Search
      </To>
    ),
  },
]

export function Groups() {
  const follow = useFollow()
  const [making, setMaking] = useState(false)
  const { data, error, refetch } = useLive(["log-groups"], listGroups)
  return (
    <>
      <ResourceTable<LogGroup>
        title="Log groups"
        rows={data}
        columns={COLUMNS}
        id={(one) => one.logGroupName ?? ""}
        error={error}
        again={() => void refetch()}
        sorted={{ id: "name" }}
        wrap
        actions={<Button onClick={() => setMaking(true)}>Create log group</Button>}
        empty={
          <Empty
            title="Nothing was logged yet"
            action={
              <Button variant="primary" href={consoleHref("/examples")} onFollow={follow}>
                Start an example
              </Button>
            }
          >
            Jobs and endpoints log by themselves; your programs write with PutLogEvents.
          </Empty>
        }
      />
      {making && <Make onDone={() => setMaking(false)} />}
    </>
  )
}

function Make({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("")
  const act = useAct(
    async () => {
      await logs().send(new CreateLogGroupCommand({ logGroupName: name }))
      onDone()
    },
    `The log group ${name} is made`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title="Create log group"
      verb="Create"
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onDone}
    >
      <FormField label="Name" description="Letters, digits and . - _ / #">
        <Input value={name} onChange={({ detail }) => setName(detail.value)} placeholder="/shop/web" autoFocus />
      </FormField>
    </Confirm>
  )
}
