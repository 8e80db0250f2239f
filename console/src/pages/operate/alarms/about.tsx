/** An alarm's state, why, when it calls and what it does then. */
import SpaceBetween from "@cloudscape-design/components/space-between"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { Status } from "@/parts/status"
import { Ago } from "@/parts/time"
import { type Alarm, actionsOf, calls, dimensionsIn, isComposite, MISSING } from "./words"

/** An ARN by what is said last, with all of it to copy. */
const Action = ({ arn }: { arn: string }) => <Copy text={arn} shown={arn.split(":").slice(5).join(":") || arn} />

export function About({ alarm }: { alarm: Alarm }) {
  const doing = actionsOf(alarm).filter((one) => one.arns.length)
  const state: [string, React.ReactNode][] = [
    ["State", <Status key="state" status={alarm.StateValue} />],
    ["Since", <Ago key="since" when={alarm.StateTransitionedTimestamp ?? alarm.StateUpdatedTimestamp} />],
    ["Actions", doing.length === 0 ? "None" : alarm.ActionsEnabled ? "On" : "Off"],
    ["Changed", <Ago key="changed" when={alarm.AlarmConfigurationUpdatedTimestamp} />],
  ]
  const about: [string, React.ReactNode][] = isComposite(alarm)
    ? [
        [
          "Calls when",
          <span key="rule" className="clary-mono">
            {alarm.AlarmRule}
          </span>,
        ],
      ]
    : [
        ["Calls when", calls(alarm)],
        ["Metric", alarm.MetricName ? `${alarm.Namespace} · ${alarm.MetricName}` : "Math over metrics"],
        ["Dimensions", dimensionsIn(alarm.Dimensions)],
        ["Missing data", MISSING.find((one) => one.value === (alarm.TreatMissingData ?? "missing"))?.label],
      ]
  return (
    <SpaceBetween size="l">
      <Facts facts={state} />
      <Facts facts={[["Why", alarm.StateReason]]} columns={1} />
      <Facts facts={about} columns={isComposite(alarm) ? 1 : 4} />
      {doing.length > 0 && (
        <Facts
          columns={3}
          facts={doing.map(({ when, arns }) => [
            `Tells when ${when.toLowerCase() === "ok again" ? "it is OK again" : when === "In alarm" ? "in alarm" : "there is not enough data"}`,
            <SpaceBetween key={when} size="xxs">
              {arns.map((arn) => (
                <Action key={arn} arn={arn} />
              ))}
            </SpaceBetween>,
          ])}
        />
      )}
    </SpaceBetween>
  )
}
