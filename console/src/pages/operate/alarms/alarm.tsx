/** One alarm: its state and why, what it looks at, what it does, what it went through. */
import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  SetAlarmStateCommand,
  type StateValue,
} from "@aws-sdk/client-cloudwatch"
import Button from "@cloudscape-design/components/button"
import ButtonDropdown from "@cloudscape-design/components/button-dropdown"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate, useParams, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { FAST_MS, useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { consoleHref, useFollow } from "@/shell/link"
import { Nowhere } from "@/shell/nowhere"
import { usePage } from "@/shell/title"
import { written } from "../metrics/picks"
import { About } from "./about"
import { Children } from "./children"
import { EditAlarm } from "./form"
import { History } from "./history"
import { listAlarms, readAlarm } from "./reads"
import { formFrom, picksOfForm } from "./request"
import { Seen } from "./seen"
import { type Alarm, asked, isComposite } from "./words"

const cloudwatch = () => aws(CloudWatchClient)

export function AlarmPage() {
  const { name = "" } = useParams()
  const [params] = useSearchParams()
  usePage([
    { text: "Alarms", href: "/operate/alarms" },
    { text: name, href: "" },
  ])
  const { data, error, refetch } = useLive(["alarm", name], () => readAlarm(name), { every: FAST_MS })
  if (error && !data) return <Problem error={error} again={() => void refetch()} />
  if (data === undefined) return <Waiting what={`Reading ${name}`} />
  if (data === null) return <Nowhere what={`The alarm ${name}`} />
  if (params.has("edit") && !isComposite(data)) return <EditAlarm alarm={data} />
  return <Shown alarm={data} />
}

function Shown({ alarm }: { alarm: Alarm }) {
  const name = alarm.AlarmName ?? ""
  const follow = useFollow()
  const [deleting, setDeleting] = useState(false)
  const on = alarm.ActionsEnabled ?? false
  const toggle = useAct(
    () =>
      cloudwatch().send(
        on
          ? new DisableAlarmActionsCommand({ AlarmNames: [name] })
          : new EnableAlarmActionsCommand({ AlarmNames: [name] }),
      ),
    on ? `${name} does nothing any more when its state changes` : `${name} acts again`,
  )
  const set = useAct(
    (StateValue: StateValue) =>
      cloudwatch().send(
        new SetAlarmStateCommand({
          AlarmName: name,
          StateValue,
          StateReason: "Set in the console, to try its actions",
        }),
      ),
    (_, state) => `${name} is set to ${state}, until it is looked at again`,
  )
  const picks = isComposite(alarm) ? [] : picksOfForm(formFrom(alarm))
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header
            variant="h1"
            description={alarm.AlarmDescription}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <ButtonDropdown
                  items={[
                    { id: "toggle", text: on ? "Switch its actions off" : "Switch its actions on" },
                    {
                      text: "Set its state, to try it",
                      items: [
                        { id: "ALARM", text: "In alarm" },
                        { id: "OK", text: "OK" },
                        { id: "INSUFFICIENT_DATA", text: "Not enough data" },
                      ],
                    },
                    { id: "delete", text: "Delete" },
                  ]}
                  loading={toggle.isPending || set.isPending}
                  onItemClick={({ detail: { id } }) => {
                    if (id === "toggle") toggle.mutate(undefined)
                    else if (id === "delete") setDeleting(true)
                    else if (id === "ALARM" || id === "OK" || id === "INSUFFICIENT_DATA") set.mutate(id)
                  }}
                >
                  Actions
                </ButtonDropdown>
                {!isComposite(alarm) && (
                  <Button
                    href={consoleHref(`/operate/alarms/${encodeURIComponent(name)}?edit=`)}
                    onFollow={follow}
                    variant="primary"
                  >
                    Edit
                  </Button>
                )}
              </SpaceBetween>
            }
          >
            {name}
          </Header>
        }
      >
        <About alarm={alarm} />
      </Container>
      {isComposite(alarm) ? (
        <Children alarm={alarm} />
      ) : (
        <Seen
          picks={picks}
          period={formFrom(alarm).period}
          threshold={alarm.Threshold}
          periods={alarm.EvaluationPeriods ?? 1}
          actions={
            <Button
              href={consoleHref(`/operate/metrics?${new URLSearchParams(picks.map((one) => ["m", written(one)]))}`)}
              onFollow={follow}
            >
              Open in metrics
            </Button>
          }
        />
      )}
      <History name={name} />
      {deleting && <Delete name={name} onNo={() => setDeleting(false)} />}
    </SpaceBetween>
  )
}

function Delete({ name, onNo }: { name: string; onNo: () => void }) {
  const navigate = useNavigate()
  const users = useLive(["alarms"], listAlarms, { every: false })
  const asking = (users.data ?? []).filter((one) => isComposite(one) && asked(one.AlarmRule ?? "").includes(name))
  const act = useAct(
    async () => {
      await cloudwatch().send(new DeleteAlarmsCommand({ AlarmNames: [name] }))
      await navigate("/operate/alarms")
    },
    `The alarm ${name} is deleted`,
    { errorsHere: true },
  )
  return (
    <Confirm
      title={`Delete the alarm ${name}?`}
      verb="Delete"
      busy={act.isPending}
      error={act.error}
      onYes={() => act.mutate(undefined)}
      onNo={onNo}
    >
      {asking.length > 0
        ? `${asking.map((one) => one.AlarmName).join(", ")} ${asking.length === 1 ? "asks" : "ask"} it, so it cannot be deleted before ${asking.length === 1 ? "that is" : "those are"}.`
        : "It no longer looks at its metric. Its history is kept for 30 days."}
    </Confirm>
  )
}
