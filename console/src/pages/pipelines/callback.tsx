/** A callback step waits for an answer from outside. Whoever looks at it here may give it. */
import {
  SageMakerClient,
  SendPipelineExecutionStepFailureCommand,
  SendPipelineExecutionStepSuccessCommand,
} from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { isLive, type StepState } from "./state"

export function CallbackPanel({ state }: { state: StepState }) {
  const callback = state.listed?.Metadata?.Callback
  const outputs = callback?.OutputParameters ?? []
  return (
    <SpaceBetween size="m">
      <Facts
        columns={3}
        facts={[
          ["Queue", callback?.SqsQueueUrl],
          ["Token", callback?.CallbackToken && <Copy text={callback.CallbackToken} shown={callback.CallbackToken} />],
          ...outputs.map((one): [string, string] => [one.Name ?? "", one.Value ?? ""]),
        ]}
      />
      {isLive(state) && callback?.CallbackToken && <Answer token={callback.CallbackToken} />}
    </SpaceBetween>
  )
}

function Answer({ token }: { token: string }) {
  const [reason, setReason] = useState("")
  const succeed = useAct(
    () => aws(SageMakerClient).send(new SendPipelineExecutionStepSuccessCommand({ CallbackToken: token })),
    "The step was told that it has succeeded",
  )
  const fail = useAct(
    () =>
      aws(SageMakerClient).send(
        new SendPipelineExecutionStepFailureCommand({ CallbackToken: token, FailureReason: reason }),
      ),
    "The step was told that it has failed",
  )
  return (
    <SpaceBetween size="s">
      <Box variant="h3">Answer in place of who is asked</Box>
      <FormField label="Reason of a failure">
        <Input value={reason} onChange={({ detail }) => setReason(detail.value)} />
      </FormField>
      <SpaceBetween direction="horizontal" size="xs">
        <Button loading={succeed.isPending} onClick={() => succeed.mutate(undefined)}>
          It succeeded
        </Button>
        <Button disabled={!reason} loading={fail.isPending} onClick={() => fail.mutate(undefined)}>
          It failed
        </Button>
      </SpaceBetween>
    </SpaceBetween>
  )
}
