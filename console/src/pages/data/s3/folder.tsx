/** A bucket's folder: what lies in it, page by page, and beside it the object that was chosen. */
import { GetBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { type DragEvent, useState } from "react"
import { useNavigate, useParams, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { usePage } from "@/shell/title"
import { filesOfDrop } from "./dropped"
import { Entries } from "./entries"
import { foldersOf, pageOf, shownName } from "./keys"
import { ObjectPanel } from "./object-panel"
import { UploadList } from "./upload-list"
import { upload } from "./uploads"

export function Folder() {
  const { bucket = "" } = useParams()
  const [query] = useSearchParams()
  const [prefix, object] = [query.get("prefix") ?? "", query.get("object")]
  const version = query.get("version") ?? undefined
  const navigate = useNavigate()
  const folders = foldersOf(prefix)
  usePage([
    { text: "Files", href: "/data/s3" },
    { text: bucket, href: `/data/s3/${bucket}` },
    ...folders.map((one) => ({ text: shownName(one.name), href: pageOf(bucket, one.prefix) })),
    // A prefix need not end with a slash: s3://bucket/runs/2024 finds all that begins so.
    ...(prefix.endsWith("/") || prefix === "" ? [] : [{ text: prefix.slice(prefix.lastIndexOf("/") + 1), href: "" }]),
  ])
  const versioning = useLive(
    ["s3", bucket, "versioning"],
    () => aws(S3Client).send(new GetBucketVersioningCommand({ Bucket: bucket })),
    { every: false, keep: false },
  )
  const [over, setOver] = useState(false)
  const drag = {
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes("Files")) return
      event.preventDefault()
      setOver(true)
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false)
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault()
      setOver(false)
      void filesOfDrop(event.dataTransfer).then((files) => upload(bucket, prefix, files))
    },
  }
  const versioned = versioning.data?.Status !== undefined
  return (
    <SpaceBetween size="l">
      <UploadList />
      <div className={`clary-files${object === null ? "" : " clary-files-beside"}`}>
        <div className="clary-folder" {...drag}>
          {over && <div className="clary-drop">Drop files and folders to upload them here</div>}
          <Entries
            key={`${bucket} ${prefix}`}
            bucket={bucket}
            prefix={prefix}
            versioning={versioning.data?.Status}
            narrow={object !== null}
            open={object ?? undefined}
          />
        </div>
        {object !== null && (
          <div className="clary-object">
            <ObjectPanel
              key={`${prefix}${object} ${version ?? ""}`}
              at={{ bucket, key: prefix + object, version }}
              versioned={versioned}
              onClose={() => navigate(pageOf(bucket, prefix))}
            />
          </div>
        )}
      </div>
    </SpaceBetween>
  )
}
