/** Data capture on, off or otherwise: a configuration is never changed, so a new one is made and the endpoint goes to it. */
import {
  CreateEndpointConfigCommand,
  DeleteEndpointConfigCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Checkbox from "@cloudscape-design/components/checkbox"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { parseS3, S3 } from "@/parts/s3"
import { folder } from "../captured/places"
import type { Context } from "../context"
import { type Capture, captureConfig, freshName, withCapture } from "./copies"

export function Capturing({ endpoint, config, busy }: Context & { busy: boolean }) {
  const now = endpoint.DataCaptureConfig
  const on = now?.EnableCapture === true && now.CaptureStatus === "Started"
  const modes = config?.DataCaptureConfig?.CaptureOptions?.map((one) => one.CaptureMode)
  const [draft, setDraft] = useState<Capture>()
  const capture = draft ?? {
    percent: now?.CurrentSamplingPercentage ?? 100,
    to: now?.DestinationS3Uri ?? "",
    input: modes?.includes("Input") ?? true,
    output: modes?.includes("Output") ?? true,
  }
  const set = (some: Partial<Capture>) => setDraft({ ...capture, ...some })
  const whole = Number.isInteger(capture.percent) && capture.percent >= 0 && capture.percent <= 100
  const place = parseS3(capture.to) !== null
  const act = useAct(async (wanted: Capture | undefined) => {
    if (config === undefined) throw new Error(`The configuration ${endpoint.EndpointConfigName} is gone.`)
    const sagemaker = aws(SageMakerClient)
    const name = freshName(endpoint.EndpointName ?? "", Date.now())
    await sagemaker.send(
      new CreateEndpointConfigCommand(
        withCapture(config, name, wanted === undefined ? undefined : captureConfig(wanted)),
      ),
    )
    try {
      await sagemaker.send(
        new UpdateEndpointCommand({
          EndpointName: endpoint.EndpointName,
          EndpointConfigName: name,
          RetainAllVariantProperties: true,
          ExcludeRetainedVariantProperties: [{ VariantPropertyType: "DataCaptureConfig" }],
        }),
      )
    } catch (error) {
      await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name }))
      throw error
    }
    setDraft(undefined)
  }, "Data capture is changing")
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="What goes in and comes out is written to S3. The change makes a new configuration and updates the endpoint to it; weights and instances stay."
        >
          Data capture
        </Header>
      }
      footer={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            variant="primary"
            loading={act.isPending}
            disabled={busy || !config || !whole || !place || !(capture.input || capture.output) || (on && !draft)}
            onClick={() => act.mutate(capture)}
          >
            {on ? "Change the capture" : "Capture"}
          </Button>
          {on && (
            <Button disabled={busy || !config} loading={act.isPending} onClick={() => act.mutate(undefined)}>
              Stop the capture
            </Button>
          )}
        </SpaceBetween>
      }
    >
      <SpaceBetween size="m">
        <Box>
          {on ? (
            <>
              {now.CurrentSamplingPercentage} % of the requests are captured to{" "}
              <S3 uri={folder(now.DestinationS3Uri)} />.
            </>
          ) : (
            "Nothing is captured now."
          )}
          {!config && ` The configuration ${endpoint.EndpointConfigName} is gone, so it cannot be copied.`}
        </Box>
        <div className="clary-fields">
          <FormField label="Captured, in %" errorText={whole ? undefined : "A whole number from 0 to 100."}>
            <Input
              type="number"
              value={Number.isNaN(capture.percent) ? "" : String(capture.percent)}
              onChange={({ detail }) => set({ percent: detail.value === "" ? Number.NaN : Number(detail.value) })}
            />
          </FormField>
          <FormField
            label="To"
            constraintText="s3://bucket/prefix; the model's role must be allowed to write there"
            errorText={draft && !place ? "That is no place in S3." : undefined}
          >
            <Input
              value={capture.to}
              placeholder="s3://bucket/captured"
              onChange={({ detail }) => set({ to: detail.value.trim() })}
            />
          </FormField>
          <FormField label="What of it">
            <SpaceBetween direction="horizontal" size="m">
              <Checkbox checked={capture.input} onChange={({ detail }) => set({ input: detail.checked })}>
                Inputs
              </Checkbox>
              <Checkbox checked={capture.output} onChange={({ detail }) => set({ output: detail.checked })}>
                Outputs
              </Checkbox>
            </SpaceBetween>
          </FormField>
        </div>
      </SpaceBetween>
    </Container>
  )
}
