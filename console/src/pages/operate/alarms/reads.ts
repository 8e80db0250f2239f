/** What CloudWatch says of alarms. */
import {
  type AlarmHistoryItem,
  CloudWatchClient,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
} from "@aws-sdk/client-cloudwatch"
import { ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import type { Alarm } from "./words"

export const listAlarms = (): Promise<Alarm[]> =>
  all<Awaited<ReturnType<typeof page>>, Alarm>(
    page,
    (found) => [...(found.MetricAlarms ?? []), ...(found.CompositeAlarms ?? [])],
    (found) => found.NextToken,
    5_000,
  )

const page = (NextToken: string | undefined) =>
  aws(CloudWatchClient).send(
    new DescribeAlarmsCommand({ AlarmTypes: ["MetricAlarm", "CompositeAlarm"], MaxRecords: 100, NextToken }),
  )

/** The alarm of that name; null: there is none. */
export async function readAlarm(name: string): Promise<Alarm | null> {
  const found = await aws(CloudWatchClient).send(
    new DescribeAlarmsCommand({ AlarmNames: [name], AlarmTypes: ["MetricAlarm", "CompositeAlarm"] }),
  )
  return found.MetricAlarms?.[0] ?? found.CompositeAlarms?.[0] ?? null
}

/** So many items of an alarm's history are shown at most. */
export const MOST_ITEMS = 500

export const history = (AlarmName: string): Promise<AlarmHistoryItem[]> =>
  all(
    (NextToken) =>
      aws(CloudWatchClient).send(
        new DescribeAlarmHistoryCommand({
          AlarmName,
          AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
          MaxRecords: 100,
          ScanBy: "TimestampDescending",
          NextToken,
        }),
      ),
    (found) => found.AlarmHistoryItems,
    (found) => found.NextToken,
    MOST_ITEMS,
  )

export const topics = async (): Promise<string[]> =>
  (
    await all(
      (NextToken) => aws(SNSClient).send(new ListTopicsCommand({ NextToken })),
      (found) => found.Topics,
      (found) => found.NextToken,
    )
  ).flatMap((one) => one.TopicArn ?? [])
