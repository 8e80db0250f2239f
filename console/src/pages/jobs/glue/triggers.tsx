/** The triggers that start a job: when they fire, and a switch for each. */
import { GlueClient, type Predicate, StartTriggerCommand, StopTriggerCommand, type Trigger } from "@aws-sdk/client-glue"
import Button from "@cloudscape-design/components/button"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { words } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { useTriggers } from "./reads"

/** "when load and clean have succeeded". */
export function predicateInWords(predicate: Predicate | undefined): string {
  const each = (predicate?.Conditions ?? []).map((one) =>
    one.CrawlerName
      ? `the crawler ${one.CrawlerName} has ${(one.CrawlState ?? "").toLowerCase()}`
      : `${one.JobName} has ${(one.State ?? "").toLowerCase()}`,
  )
  if (each.length === 0) return "–"
  return `when ${each.join(predicate?.Logical === "ANY" ? " or " : " and ")}`
}

export function fires(trigger: Trigger): string {
  if (trigger.Type === "SCHEDULED") return `${trigger.Schedule ?? "–"} (UTC)`
  if (trigger.Type === "CONDITIONAL") return predicateInWords(trigger.Predicate)
  return "when it is started"
}

function Switch({ trigger }: { trigger: Trigger }) {
  const Name = trigger.Name ?? ""
  const on = trigger.State === "ACTIVATED" || trigger.State === "ACTIVATING"
  const demand = trigger.Type === "ON_DEMAND"
  const act = useAct(
    async (start: boolean) => {
      if (start) await aws(GlueClient).send(new StartTriggerCommand({ Name }))
      else await aws(GlueClient).send(new StopTriggerCommand({ Name }))
    },
    (_, start) => `${Name} ${demand ? "has fired" : start ? "is active" : "is switched off"}`,
  )
  return (
    <Button
      variant="inline-link"
      loading={act.isPending}
      ariaLabel={`${demand ? "Fire" : on ? "Switch off" : "Switch on"} ${Name}`}
      onClick={() => act.mutate(demand || !on)}
    >
      {demand ? "Fire" : on ? "Switch off" : "Switch on"}
    </Button>
  )
}

const COLUMNS: Column<Trigger>[] = [
  { id: "name", header: "Name", cell: (one) => one.Name, text: (one) => one.Name, isRowHeader: true },
  {
    id: "type",
    header: "Type",
    cell: (one) => words((one.Type ?? "").toLowerCase().replaceAll("_", " ")),
    text: (one) => one.Type,
  },
  { id: "state", header: "State", cell: (one) => <Status status={one.State} />, text: (one) => one.State },
  { id: "fires", header: "Fires", cell: fires, text: fires },
  { id: "do", header: "Do", cell: (one) => <Switch trigger={one} /> },
]

export function Triggers({ name }: { name: string }) {
  const found = useTriggers(name)
  return (
    <ResourceTable
      title="Triggers"
      rows={found.data}
      error={found.error}
      again={() => void found.refetch()}
      columns={COLUMNS}
      id={(one) => one.Name ?? ""}
      param="trigger"
      noFilter={(found.data?.length ?? 0) < 10}
      empty={
        <Empty title="No trigger starts it">
          A trigger runs it on a schedule, or when other jobs have ended: glue.create_trigger(...)
        </Empty>
      }
    />
  )
}
