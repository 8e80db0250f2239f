/** StartLiveTail is the one operation whose host AWS's clients change ("stream-" before it): here is only one host. */
import { CloudWatchLogsClient, type CloudWatchLogsClientConfig } from "@aws-sdk/client-cloudwatch-logs"

export class TailClient extends CloudWatchLogsClient {
  constructor(options: CloudWatchLogsClientConfig) {
    super({ ...options, disableHostPrefix: true })
  }
}
