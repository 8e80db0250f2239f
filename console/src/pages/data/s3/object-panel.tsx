/** One object: its facts, a look into it, its versions, and what can be done with it. */
import { GetObjectTaggingCommand, S3Client } from "@aws-sdk/client-s3"
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Tabs from "@cloudscape-design/components/tabs"
import { useState } from "react"
import { aws } from "@/aws/client"
import { isMissing, SLOW_MS, useLive } from "@/aws/live"
import { Copy } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { bytes, count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Instant } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { Preview } from "../preview/preview"
import { type At, head } from "../preview/read"
import { DeleteEntries } from "./delete-entries"
import { useDownload } from "./download"
import { isReachable, leafOf, shownName, uriOf } from "./keys"
import { Share } from "./share"
import { Versions } from "./versions"

export function ObjectPanel({ at, versioned, onClose }: { at: At; versioned: boolean; onClose: () => void }) {
  const reachable = isReachable(at.key)
  const [leaving, setLeaving] = useState(false)
  const { data, error, refetch } = useLive(["s3", at.bucket, "head", at.key, at.version], () => head(at), {
    enabled: reachable && !leaving,
    every: (seen) => (seen ? SLOW_MS : false),
    keep: false,
  })
  const [asking, setAsking] = useState<"share" | "delete">()
  const download = useDownload()
  const size = data?.ContentLength ?? 0
  const entry = { kind: "object" as const, key: at.key, name: leafOf(at.key), version: at.version }
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={<Copy text={uriOf(at.bucket, at.key)} shown={uriOf(at.bucket, at.key)} label="Copy address" />}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button
                iconName="download"
                disabled={!data}
                loading={download.isPending}
                onClick={() => download.mutate({ ...at, size })}
              >
                Download
              </Button>
              <Button
                iconName="share"
                ariaLabel="Share by a link"
                disabled={!data}
                onClick={() => setAsking("share")}
              />
              <Button iconName="remove" ariaLabel="Delete this object" onClick={() => setAsking("delete")} />
              <Button iconName="close" variant="icon" ariaLabel="Close the object" onClick={onClose} />
            </SpaceBetween>
          }
        >
          <span className="clary-break">{shownName(leafOf(at.key))}</span>
        </Header>
      }
    >
      {!reachable && (
        <Alert type="info" header="A browser cannot ask for this key">
          A part of it is “.” or “..”, which browsers resolve before they ask. The AWS CLI reads it; here it can be
          deleted.
        </Alert>
      )}
      {error && !data && (isMissing(error) || error.name === "403") && (
        <Alert type="info" header="This object is not here">
          There is no object with this key{at.version ? " and version" : ""} any more, or you may not read it.
        </Alert>
      )}
      {error && !data && !isMissing(error) && error.name !== "403" && (
        <Problem error={error} again={() => void refetch()} />
      )}
      {reachable && !error && !data && <Waiting what="Reading the object" />}
      {data && leaving && <Waiting what="Deleting" />}
      {data && !leaving && (
        <Tabs
          ariaLabel="Object"
          tabs={[
            {
              id: "preview",
              label: "Preview",
              content: <Preview at={at} size={size} etag={data.ETag ?? ""} contentType={data.ContentType} />,
            },
            { id: "facts", label: "Properties", content: <Properties at={at} found={data} /> },
            ...(versioned ? [{ id: "versions", label: "Versions", content: <Versions at={at} /> }] : []),
          ]}
        />
      )}
      {asking === "share" && <Share at={at} onClose={() => setAsking(undefined)} />}
      {asking === "delete" && (
        <DeleteEntries
          bucket={at.bucket}
          entries={[entry]}
          versions={at.version !== undefined}
          versioning={versioned ? "Enabled" : undefined}
          onClose={() => setAsking(undefined)}
          onDone={onClose}
          onBusy={setLeaving}
        />
      )}
    </Container>
  )
}

const CHECKSUMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const

function Properties({ at, found }: { at: At; found: Awaited<ReturnType<typeof head>> }) {
  const tags = useLive(
    ["s3", at.bucket, "tags", at.key, at.version, found.ETag],
    () => aws(S3Client).send(new GetObjectTaggingCommand({ Bucket: at.bucket, Key: at.key, VersionId: at.version })),
    { every: false },
  )
  const sums = CHECKSUMS.flatMap((name) => (found[`Checksum${name}`] ? `${name} ${found[`Checksum${name}`]}` : []))
  const metadata = Object.entries(found.Metadata ?? {})
  const pairs = (entries: [string, string][]) =>
    entries.map(([name, value]) => <div key={name}>{`${name} = ${value}`}</div>)
  return (
    <div className="clary-break">
      <Facts
        columns={2}
        facts={[
          ["Size", `${bytes(found.ContentLength)} (${count(found.ContentLength)} bytes)`],
          ["Modified", <Instant key="m" when={found.LastModified} />],
          ["Content type", found.ContentType],
          ["Content encoding", found.ContentEncoding],
          ["ETag", found.ETag?.replaceAll('"', "")],
          ["Checksum", sums.join(", ")],
          ["Storage class", found.StorageClass ?? "STANDARD"],
          ["Version", found.VersionId],
          ["Metadata", metadata.length ? pairs(metadata) : undefined],
          [
            "Tags",
            tags.error
              ? "not readable"
              : tags.data?.TagSet?.length
                ? pairs(tags.data.TagSet.map((one) => [one.Key ?? "", one.Value ?? ""]))
                : undefined,
          ],
        ]}
      />
    </div>
  )
}
