/** What CloudWatch Logs says of groups, streams, filters and lines. */
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  DescribeMetricFiltersCommand,
  DescribeSubscriptionFiltersCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  type LogGroup,
  type LogStream,
} from "@aws-sdk/client-cloudwatch-logs"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"

export const logs = () => aws(CloudWatchLogsClient)

export const listGroups = (): Promise<LogGroup[]> =>
  all(
    (nextToken) => logs().send(new DescribeLogGroupsCommand({ nextToken, limit: 50 })),
    (page) => page.logGroups,
    (page) => page.nextToken,
    5_000,
  )

/** The group of exactly that name; null: there is none. */
export async function readGroup(name: string): Promise<LogGroup | null> {
  const found = await logs().send(new DescribeLogGroupsCommand({ logGroupNamePrefix: name }))
  return found.logGroups?.find((one) => one.logGroupName === name) ?? null
}

/** So many streams of a group are listed, those with the newest lines. */
export const MOST_STREAMS = 1_000

export const listStreams = (logGroupName: string): Promise<LogStream[]> =>
  all(
    (nextToken) =>
      logs().send(
        new DescribeLogStreamsCommand({ logGroupName, nextToken, orderBy: "LastEventTime", descending: true }),
      ),
    (page) => page.logStreams,
    (page) => page.nextToken,
    MOST_STREAMS,
  )

export const metricFilters = (logGroupName: string) =>
  all(
    (nextToken) => logs().send(new DescribeMetricFiltersCommand({ logGroupName, nextToken })),
    (page) => page.metricFilters,
    (page) => page.nextToken,
  )

export const subscriptionFilters = (logGroupName: string) =>
  all(
    (nextToken) => logs().send(new DescribeSubscriptionFiltersCommand({ logGroupName, nextToken })),
    (page) => page.subscriptionFilters,
    (page) => page.nextToken,
  )

export type Found = { id: string; group: string; stream: string; at: number; text: string }

export type Asked = { groups: readonly string[]; pattern: string; from: Date; to: Date }

/** So many lines of one group are shown at most. */
export const MOST_FOUND = 1_000

/** The newest lines that match, of each group; `more`: there were others. */
export async function search({ groups, pattern, from, to }: Asked): Promise<{ lines: Found[]; more: boolean }> {
  const each = await Promise.all(
    groups.map(async (logGroupName) => {
      const lines: Found[] = []
      let nextToken: string | undefined
      do {
        const page = await logs().send(
          new FilterLogEventsCommand({
            logGroupName,
            filterPattern: pattern,
            startTime: from.getTime(),
            endTime: to.getTime(),
            startFromHead: false,
            limit: MOST_FOUND - lines.length,
            nextToken,
          }),
        )
        for (const one of page.events ?? [])
          lines.push({
            id: `${logGroupName} ${one.eventId}`,
            group: logGroupName,
            stream: one.logStreamName ?? "",
            at: one.timestamp ?? 0,
            text: one.message ?? "",
          })
        nextToken = page.nextToken
      } while (nextToken && lines.length < MOST_FOUND)
      return { lines, more: nextToken !== undefined }
    }),
  )
  const lines = each.flatMap((one) => one.lines).sort((a, b) => b.at - a.at)
  return { lines, more: each.some((one) => one.more) }
}

export type Turn = { token?: string; start?: Date }
export type Sheet = { lines: { at: number; text: string }[]; older: string | undefined; newer: string | undefined }

/** One page of a stream, oldest line first, with the tokens that lead on in both directions. */
export async function sheet(
  logGroupName: string,
  logStreamName: string,
  { token, start }: Turn,
  limit: number,
): Promise<Sheet> {
  const page = await logs().send(
    new GetLogEventsCommand({
      logGroupName,
      logStreamName,
      limit,
      ...(token ? { nextToken: token } : { startFromHead: start !== undefined, startTime: start?.getTime() }),
    }),
  )
  return {
    lines: (page.events ?? []).map((one) => ({ at: one.timestamp ?? 0, text: one.message ?? "" })),
    older: page.nextBackwardToken,
    newer: page.nextForwardToken,
  }
}
