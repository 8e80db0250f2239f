/** Ask an asynchronous endpoint: the input lies in S3 or is sent along, the result is fetched from S3 when it is there. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { InvokeEndpointAsyncCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime"
import Button from "@cloudscape-design/components/button"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import SpaceBetween from "@cloudscape-design/components/space-between"
import StatusIndicator from "@cloudscape-design/components/status-indicator"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { aws } from "@/aws/client"
import { FAST_MS, isMissing, useAct, useLive } from "@/aws/live"
import { Code } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { Problem } from "@/parts/problem"
import { parseS3, S3 } from "@/parts/s3"
import { Took } from "@/parts/time"
import type { Context } from "../context"
import { pretty } from "./pretty"

type Sent = { id: string; output: string; failure: string | undefined; at: number }
type Outcome = { ok: boolean; text: string; at: Date | undefined }

/** The text of an object; undefined: it is not there (yet). */
async function object(uri: string | undefined): Promise<{ text: string; at: Date | undefined } | undefined> {
  const at = parseS3(uri ?? "")
  if (at === null) return undefined
  try {
    const said = await aws(S3Client).send(new GetObjectCommand({ Bucket: at.bucket, Key: at.key }))
    return { text: (await said.Body?.transformToString()) ?? "", at: said.LastModified }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function outcome(sent: Sent): Promise<Outcome | null> {
  const done = await object(sent.output)
  if (done) return { ok: true, ...done }
  const failed = await object(sent.failure)
  return failed ? { ok: false, ...failed } : null
}

export function Later({ endpoint }: Context) {
  const name = endpoint.EndpointName ?? ""
  const [how, setHow] = useState<"body" | "s3">("body")
  const [body, setBody] = useState("")
  const [location, setLocation] = useState("")
  const [contentType, setContentType] = useState("text/csv")
  const [sent, setSent] = useState<Sent>()
  const send = useAct(async () => {
    const said = await aws(SageMakerRuntimeClient).send(
      new InvokeEndpointAsyncCommand({
        EndpointName: name,
        ContentType: contentType,
        ...(how === "s3" ? { InputLocation: location } : { Body: new TextEncoder().encode(body) }),
      }),
    )
    setSent({
      id: said.InferenceId ?? "",
      output: said.OutputLocation ?? "",
      failure: said.FailureLocation,
      at: Date.now(),
    })
  }, "The request was accepted")
  const result = useLive(["async-result", sent?.output], () => outcome(sent as Sent), {
    enabled: sent !== undefined,
    every: (seen) => (seen ? false : FAST_MS),
    keep: false,
  })
  return (
    <ColumnLayout columns={2} minColumnWidth={340}>
      <Container
        header={
          <Header variant="h2" description="It is answered at once by where its result will be.">
            Request
          </Header>
        }
      >
        <SpaceBetween size="m">
          <SegmentedControl
            label="Where the input is"
            selectedId={how}
            options={[
              { id: "body", text: "Sent along" },
              { id: "s3", text: "In S3" },
            ]}
            onChange={({ detail }) => setHow(detail.selectedId === "s3" ? "s3" : "body")}
          />
          {how === "s3" ? (
            <FormField label="Input" constraintText="s3://bucket/key; the model's role reads it">
              <Input value={location} onChange={({ detail }) => setLocation(detail.value)} />
            </FormField>
          ) : (
            <FormField label="Body" constraintText="At most 128,000 bytes">
              <Textarea value={body} rows={6} spellcheck={false} onChange={({ detail }) => setBody(detail.value)} />
            </FormField>
          )}
          <FormField label="Content type">
            <Input value={contentType} onChange={({ detail }) => setContentType(detail.value)} />
          </FormField>
          <Button variant="primary" loading={send.isPending} onClick={() => send.mutate(undefined)}>
            Send
          </Button>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Result</Header>}>
        {!sent ? (
          <Empty title="Nothing was asked yet">The result is shown here as soon as it is in S3.</Empty>
        ) : (
          <SpaceBetween size="m">
            <StatusIndicator type={!result.data ? "in-progress" : result.data.ok ? "success" : "error"}>
              {!result.data ? "Waiting for the result" : result.data.ok ? "Answered" : "Failed"}
            </StatusIndicator>
            {result.error && <Problem error={result.error} />}
            {result.data && <Code label="Answer" text={pretty(result.data.text)} />}
            <Facts
              columns={2}
              facts={[
                ["Inference id", sent.id],
                ["Time", <Took key="took" from={new Date(sent.at)} to={result.data?.at} />],
                ["Result", <S3 key="out" uri={sent.output} />],
                ["Failure", <S3 key="bad" uri={sent.failure} />],
              ]}
            />
          </SpaceBetween>
        )}
      </Container>
    </ColumnLayout>
  )
}
