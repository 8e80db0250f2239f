/** What EventBridge says of buses, rules and targets, and its Scheduler of schedules. */
import {
  DescribeRuleCommand,
  EventBridgeClient,
  type EventBus,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  type Rule,
  type Target,
} from "@aws-sdk/client-eventbridge"
import {
  GetScheduleCommand,
  type GetScheduleOutput,
  ListSchedulesCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { all } from "@/aws/pages"

export const events = () => aws(EventBridgeClient)
export const scheduler = () => aws(SchedulerClient)

export const listBuses = (): Promise<EventBus[]> =>
  all(
    (NextToken) => events().send(new ListEventBusesCommand({ NextToken })),
    (page) => page.EventBuses,
    (page) => page.NextToken,
  )

export type RuleRow = { rule: Rule; bus: string; targets: Target[] }

export async function listRules(): Promise<RuleRow[]> {
  const buses = await listBuses()
  const found = await Promise.all(
    buses.map(async ({ Name: bus = "default" }) => {
      const rules = await all(
        (NextToken) => events().send(new ListRulesCommand({ EventBusName: bus, NextToken })),
        (page) => page.Rules,
        (page) => page.NextToken,
      )
      return Promise.all(
        rules.map(async (rule): Promise<RuleRow> => ({ rule, bus, targets: await targetsOf(rule.Name ?? "", bus) })),
      )
    }),
  )
  return found.flat()
}

export async function targetsOf(Rule: string, EventBusName: string): Promise<Target[]> {
  try {
    return await all(
      (NextToken) => events().send(new ListTargetsByRuleCommand({ Rule, EventBusName, NextToken })),
      (page) => page.Targets,
      (page) => page.NextToken,
    )
  } catch (error) {
    if (isMissing(error)) return [] // deleted since it was listed
    throw error
  }
}

export const readRule = (Name: string, EventBusName: string) =>
  events().send(new DescribeRuleCommand({ Name, EventBusName }))

export async function listSchedules(): Promise<GetScheduleOutput[]> {
  const listed = await all(
    (NextToken) => scheduler().send(new ListSchedulesCommand({ NextToken, MaxResults: 100 })),
    (page) => page.Schedules,
    (page) => page.NextToken,
  )
  const found = await Promise.all(
    listed.map(({ Name = "", GroupName }) =>
      scheduler()
        .send(new GetScheduleCommand({ Name, GroupName }))
        .catch((error) => {
          if (isMissing(error)) return undefined // deleted since it was listed
          throw error
        }),
    ),
  )
  return found.filter((one) => one !== undefined)
}

export const readSchedule = (Name: string, GroupName: string) =>
  scheduler().send(new GetScheduleCommand({ Name, GroupName }))

export const ruleAt = (bus: string, name: string): string =>
  `/operate/events/rules/${encodeURIComponent(bus)}/${encodeURIComponent(name)}`
export const scheduleAt = (group: string, name: string): string =>
  `/operate/events/schedules/${encodeURIComponent(group)}/${encodeURIComponent(name)}`
