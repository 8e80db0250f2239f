/** What this object was before: looked at, downloaded, brought back. */
import { CopyObjectCommand, ListObjectVersionsCommand, S3Client } from "@aws-sdk/client-s3"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Table from "@cloudscape-design/components/table"
import { aws } from "@/aws/client"
import { useAct, useLive } from "@/aws/live"
import { bytes } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import type { At } from "../preview/read"
import { useDownload } from "./download"
import { decodeListed, folderOf, pageOf, shortVersion } from "./keys"

type Version = { id: string; size?: number; modified?: Date; latest: boolean; marker: boolean }

async function versionsOf({ bucket, key }: At): Promise<Version[]> {
  const page = await aws(S3Client).send(
    new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key, EncodingType: "url" }),
  )
  const own = <T extends { Key?: string }>(list: T[] | undefined) =>
    (list ?? []).filter((one) => decodeListed(one.Key ?? "") === key)
  return [
    ...own(page.Versions).map((one) => ({
      id: one.VersionId ?? "null",
      size: one.Size,
      modified: one.LastModified,
      latest: one.IsLatest === true,
      marker: false,
    })),
    ...own(page.DeleteMarkers).map((one) => ({
      id: one.VersionId ?? "null",
      modified: one.LastModified,
      latest: one.IsLatest === true,
      marker: true,
    })),
  ].sort((a, b) => Number(b.latest) - Number(a.latest) || (b.modified?.getTime() ?? 0) - (a.modified?.getTime() ?? 0))
}

export function Versions({ at }: { at: At }) {
  const { data, error, refetch } = useLive(["s3", at.bucket, "versions", at.key], () => versionsOf(at))
  const download = useDownload()
  // A version becomes the current one by a copy of it onto its own key.
  const restore = useAct((version: string) => {
    const source = `${at.bucket}/${encodeURIComponent(at.key).replaceAll("%2F", "/")}?versionId=${encodeURIComponent(version)}`
    return aws(S3Client).send(new CopyObjectCommand({ Bucket: at.bucket, Key: at.key, CopySource: source }))
  }, "That version is the current one again, as a copy.")
  if (error && !data) return <Problem error={error} again={() => void refetch()} />
  const name = at.key.slice(folderOf(at.key).length)
  return (
    <Table<Version>
      variant="embedded"
      items={data ?? []}
      loading={!data}
      loadingText="Reading the versions"
      ariaLabels={{ tableLabel: "Versions" }}
      trackBy="id"
      empty={<Box>No versions</Box>}
      columnDefinitions={[
        {
          id: "when",
          header: "Written",
          isRowHeader: true,
          cell: (one) => <Instant when={one.modified} />,
        },
        { id: "size", header: "Size", cell: (one) => (one.marker ? "deleted" : bytes(one.size)) },
        {
          id: "version",
          header: "Version",
          cell: (one) =>
            one.marker ? (
              shortVersion(one.id)
            ) : (
              <To to={`${pageOf(at.bucket, folderOf(at.key), name)}&version=${encodeURIComponent(one.id)}`}>
                {`${shortVersion(one.id)}${one.latest ? " (current)" : ""}`}
              </To>
            ),
        },
        {
          id: "do",
          header: "Actions",
          cell: (one) =>
            one.marker ? null : (
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  variant="inline-link"
                  ariaLabel={`Download version ${one.id}`}
                  onClick={() => download.mutate({ ...at, version: one.id, size: one.size ?? 0 })}
                >
                  Download
                </Button>
                {!one.latest && (
                  <Button
                    variant="inline-link"
                    ariaLabel={`Restore version ${one.id}`}
                    onClick={() => restore.mutate(one.id)}
                  >
                    Restore
                  </Button>
                )}
              </SpaceBetween>
            ),
        },
      ]}
    />
  )
}
