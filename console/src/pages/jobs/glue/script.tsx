/** The script of a job: where it is, and what it says. */
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3"
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { Code } from "@/parts/copy"
import { bytes } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { parseS3, S3 } from "@/parts/s3"
import { Waiting } from "@/parts/waiting"

const MOST_BYTES = 256 * 1024

async function text(uri: string): Promise<{ text: string; size: number; whole: boolean }> {
  const place = parseS3(uri)
  if (!place) throw new Error(`${uri} is no place in S3`)
  const found = await aws(S3Client).send(
    new GetObjectCommand({ Bucket: place.bucket, Key: place.key, Range: `bytes=0-${MOST_BYTES - 1}` }),
  )
  const read = (await found.Body?.transformToString()) ?? ""
  const size = Number(found.ContentRange?.split("/")[1] ?? found.ContentLength ?? read.length)
  return { text: read, size, whole: size <= MOST_BYTES }
}

export function Script({ uri }: { uri: string | undefined }) {
  const found = useLive(["jobs", "glue", "script", uri], () => text(uri ?? ""), {
    enabled: Boolean(uri),
    every: false,
    keep: false,
  })
  return (
    <Container header={<Header description={<S3 uri={uri} />}>Script</Header>}>
      {!uri ? (
        "It names no script."
      ) : found.error ? (
        <Problem error={found.error} again={() => void found.refetch()} header="The script could not be read" />
      ) : found.data ? (
        <SpaceBetween size="s">
          {!found.data.whole && (
            <Box color="text-body-secondary">
              The first {bytes(MOST_BYTES)} of {bytes(found.data.size)}
            </Box>
          )}
          <Code text={found.data.text} label="Script" />
        </SpaceBetween>
      ) : (
        <Waiting what="Reading the script" />
      )}
    </Container>
  )
}
