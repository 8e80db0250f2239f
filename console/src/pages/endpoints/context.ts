import type { DescribeEndpointConfigOutput, DescribeEndpointOutput } from "@aws-sdk/client-sagemaker"
import type { Alarm } from "./alarms-of"
import type { Change } from "./changes"

/** What every tab of an endpoint's page is given. `config` is absent where it was deleted. */
export type Context = {
  endpoint: DescribeEndpointOutput
  config: DescribeEndpointConfigOutput | undefined
  alarms: Alarm[]
  changes: Change[]
}
