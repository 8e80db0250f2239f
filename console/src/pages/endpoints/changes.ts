/** Who changed an endpoint and when, out of the audit (CloudTrail's LookupEvents): what is asked for, in the order of time. */
import { CloudTrailClient, type Event, LookupEventsCommand } from "@aws-sdk/client-cloudtrail"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"

export type Change = {
  at: number
  id: string
  operation: "CreateEndpoint" | "UpdateEndpoint" | "UpdateEndpointWeightsAndCapacities"
  /** The configuration that was asked for, where one was. */
  config?: string
  /** Weights and counts that were asked for, in words. */
  asked?: string
  who: string
}

const OPERATIONS = ["CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities"] as const
const MOST = 200

type Wanted = { variantName?: string; desiredWeight?: number; desiredInstanceCount?: number }
type Record = {
  errorCode?: string
  requestParameters?: { endpointName?: string; endpointConfigName?: string; desiredWeightsAndCapacities?: Wanted[] }
  userIdentity?: { arn?: string; invokedBy?: string }
}

/** The newest first. What was refused changed nothing, and is left out. */
export function changesOf(endpoint: string, events: readonly Event[]): Change[] {
  return events
    .flatMap((event) => {
      const operation = OPERATIONS.find((one) => one === event.EventName)
      if (operation === undefined || event.CloudTrailEvent === undefined) return []
      const said = JSON.parse(event.CloudTrailEvent) as Record
      const given = said.requestParameters
      if (said.errorCode || given?.endpointName?.toLowerCase() !== endpoint.toLowerCase()) return []
      const asked = given.desiredWeightsAndCapacities?.map(wanted).join(", ")
      return [
        {
          at: event.EventTime?.getTime() ?? 0,
          id: event.EventId ?? "",
          operation,
          ...(given.endpointConfigName ? { config: given.endpointConfigName } : {}),
          ...(asked ? { asked } : {}),
          who: said.userIdentity?.invokedBy ?? said.userIdentity?.arn?.split(/[:/]/).at(-1) ?? event.Username ?? "",
        },
      ]
    })
    .sort((a, b) => b.at - a.at)
}

const wanted = (one: Wanted): string =>
  [
    one.variantName ?? "",
    ...(one.desiredWeight === undefined ? [] : [`weight ${one.desiredWeight}`]),
    ...(one.desiredInstanceCount === undefined ? [] : [`${one.desiredInstanceCount} instances`]),
  ].join(" ")

/** The configuration before the one that is in force: the last other one that was asked for. */
export function previous(changes: readonly Change[], current: string | undefined): Change | undefined {
  const configs = changes.filter((one) => one.config !== undefined)
  const now = configs.findIndex((one) => one.config === current)
  return configs.slice(now < 0 ? 0 : now + 1).find((one) => one.config !== current)
}

export async function readChanges(endpoint: string): Promise<Change[]> {
  const found = await Promise.all(
    OPERATIONS.map((AttributeValue) =>
      all(
        (NextToken) =>
          aws(CloudTrailClient).send(
            new LookupEventsCommand({
              LookupAttributes: [{ AttributeKey: "EventName", AttributeValue }],
              MaxResults: 50,
              NextToken,
            }),
          ),
        (page) => page.Events,
        (page) => page.NextToken,
        MOST,
      ),
    ),
  )
  return changesOf(endpoint, found.flat())
}
