/** A look into an object, by what it is. Of large ones only the beginning is read, and that is said. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Empty } from "@/parts/empty"
import { bytes as sizeOf } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { ImageView, LARGEST_IMAGE } from "./image-view"
import { JsonView } from "./json-view"
import { detect, isGzip, named } from "./kind"
import { ParquetView } from "./parquet-view"
import { type At, bytesOf, FIRST_BYTES, linesOf, unpacked } from "./read"
import { SheetView } from "./sheet-view"
import { TarView } from "./tar-view"
import { TextView } from "./text-view"

export type Looked = { at: At; size: number; etag: string; contentType: string | undefined }

/** The beginning, unpacked if it is gzip, and what it is. */
async function look({ at, size, contentType }: Looked) {
  const first = await bytesOf(at, 0, FIRST_BYTES, size)
  const whole = first.length >= size
  const gzip = isGzip(first)
  const shown = gzip ? await unpacked(first, whole) : { bytes: first, whole }
  return { ...shown, format: detect(at.key, contentType, shown.bytes, gzip) }
}

export function Preview(props: Looked) {
  const { at, size, etag, contentType } = props
  const parquet = named(at.key, contentType).kind === "parquet"
  const { data, error, refetch } = useQuery({
    queryKey: ["s3", at.bucket, "look", at.key, at.version, etag],
    queryFn: () => look(props),
    enabled: size > 0 && !parquet, // the footer of a Parquet file says more than its beginning
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (size === 0) return <Empty title="This object is empty">It has a name and no bytes.</Empty>
  if (parquet) return <ParquetView {...props} />
  if (error) return <Problem error={error} again={() => void refetch()} />
  if (!data) return <Waiting what="Reading" />
  const { bytes, whole, format } = data
  const note = whole ? null : (
    <Box color="text-body-secondary" fontSize="body-s">
      Only the first {sizeOf(bytes.length)} {format.gzip ? "(unpacked) " : ""}of this {sizeOf(size)} object were read.
    </Box>
  )
  switch (format.kind) {
    case "parquet":
      return <ParquetView {...props} />
    case "csv":
    case "tsv":
      return <SheetView text={linesOf(bytes, whole)} cut={!whole} tabs={format.kind === "tsv"} note={note} />
    case "json":
    case "jsonl":
      return <JsonView text={linesOf(bytes, whole)} lines={format.kind === "jsonl"} cut={!whole} note={note} />
    case "image":
      return size > LARGEST_IMAGE ? (
        <Large at={at} size={size} contentType={contentType} />
      ) : (
        <ImageView at={at} size={size} contentType={contentType} etag={etag} />
      )
    case "tar":
      return <TarView {...props} gzip={format.gzip} />
    case "markdown":
    case "text":
      return <TextView text={linesOf(bytes, whole)} note={note} />
    case "empty":
      return <Empty title="This archive is empty">It unpacks to no bytes.</Empty>
    case "binary":
      return <Empty title="No preview of this kind of file">Download it to open it with its own program.</Empty>
  }
}

function Large({ at, size, contentType }: { at: At; size: number; contentType: string | undefined }) {
  const [wanted, setWanted] = useState(false)
  if (wanted) return <ImageView at={at} size={size} contentType={contentType} etag="large" />
  return (
    <Alert type="info" action={<Button onClick={() => setWanted(true)}>Show it</Button>}>
      This picture has {sizeOf(size)}. All of it must be read to show it.
    </Alert>
  )
}
