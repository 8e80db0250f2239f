/** What CloudTrail remembers: who did what, when. */
import { CloudTrailClient, type Event, LookupEventsCommand } from "@aws-sdk/client-cloudtrail"
import { aws } from "@/aws/client"

export const ATTRIBUTES = {
  EventName: "Event",
  Username: "User",
  ResourceName: "Resource",
  ResourceType: "Resource type",
  EventSource: "Service",
  AccessKeyId: "Access key",
  EventId: "Event id",
} as const
export type Attribute = keyof typeof ATTRIBUTES
export const isAttribute = (text: string): text is Attribute => text in ATTRIBUTES

export type Asked = { by: Attribute; value: string; reads: boolean; from: Date; to: Date }

/** Only the first attribute decides on the wire; what changes nothing is left out here where another one was asked for. */
export async function lookup(asked: Asked, most: number): Promise<{ events: Event[]; more: boolean }> {
  const { by, value, reads, from, to } = asked
  const attribute = value
    ? { AttributeKey: by, AttributeValue: value }
    : reads
      ? undefined
      : { AttributeKey: "ReadOnly" as const, AttributeValue: "false" }
  const found: Event[] = []
  let NextToken: string | undefined
  do {
    const page = await aws(CloudTrailClient).send(
      new LookupEventsCommand({
        LookupAttributes: attribute && [attribute],
        StartTime: from,
        EndTime: to,
        MaxResults: 50,
        NextToken,
      }),
    )
    found.push(...(page.Events ?? []).filter((one) => reads || one.ReadOnly !== "true"))
    NextToken = page.NextToken
  } while (NextToken && found.length < most)
  return { events: found, more: NextToken !== undefined }
}

export async function event(id: string): Promise<Event | null> {
  const found = await aws(CloudTrailClient).send(
    new LookupEventsCommand({ LookupAttributes: [{ AttributeKey: "EventId", AttributeValue: id }] }),
  )
  return found.Events?.[0] ?? null
}

export type Record = {
  awsRegion?: string
  eventSource?: string
  sourceIPAddress?: string
  userAgent?: string
  errorCode?: string
  errorMessage?: string
  userIdentity?: { type?: string; arn?: string; invokedBy?: string; accessKeyId?: string }
}

/** CloudTrail's own record of the event. */
export function recordOf(one: Event): Record {
  try {
    return JSON.parse(one.CloudTrailEvent ?? "{}") as Record
  } catch {
    return {}
  }
}

/** Who it was, for people: a user, a role's session, a service. */
export function who(one: Event): string {
  const identity = recordOf(one).userIdentity
  if (one.Username) return one.Username
  if (identity?.invokedBy) return identity.invokedBy
  if (identity?.type === "Root") return "root"
  // Of a sign-in by a link nobody is known before it is redeemed.
  return identity?.arn?.split(":").at(-1) ?? "–"
}
