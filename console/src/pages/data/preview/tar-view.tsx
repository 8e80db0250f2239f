import Box from "@cloudscape-design/components/box"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQuery } from "@tanstack/react-query"
import { bytes, count, instant } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { Grid } from "../grid"
import type { Looked } from "./preview"
import { gunzip, streamOf } from "./read"
import { membersOf } from "./tar"

/** The members of an archive: model.tar.gz is what most jobs leave behind. */
export function TarView({ at, etag, gzip }: Looked & { gzip: boolean }) {
  const { data, error } = useQuery({
    queryKey: ["s3", at.bucket, "tar", at.key, at.version, etag],
    queryFn: async () => {
      const stream = await streamOf(at)
      return membersOf(gzip ? gunzip(stream) : stream)
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (error) return <Problem error={error} header="This archive could not be read" />
  if (!data) return <Waiting what="Reading the archive" />
  const files = data.members.filter((one) => one.kind === "file")
  const total = files.reduce((sum, one) => sum + one.size, 0)
  return (
    <SpaceBetween size="xs">
      <Box color="text-body-secondary">
        {count(files.length)} {files.length === 1 ? "file" : "files"}, {bytes(total)} unpacked
        {data.whole ? "" : ", and more: only the beginning was read"}
      </Box>
      <Grid
        columns={[{ name: "Name" }, { name: "Size", right: true }, { name: "Modified" }]}
        rows={data.members.map((one) => [
          one.name,
          one.kind === "file" ? bytes(one.size) : one.kind,
          instant(one.modified),
        ])}
        label="Members of the archive"
      />
    </SpaceBetween>
  )
}
