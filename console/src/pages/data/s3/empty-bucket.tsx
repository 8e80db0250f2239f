/** Everything in a bucket is deleted, all versions too, and one can watch it. */
import { useState } from "react"
import { useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { count } from "@/parts/format"
import { remove } from "./removing"

export function EmptyBucket({ bucket, onClose }: { bucket: string; onClose: () => void }) {
  const [deleted, setDeleted] = useState(0)
  const act = useAct(
    () => remove(bucket, [{ kind: "folder", key: "", name: "" }], true, (progress) => setDeleted(progress.deleted)),
    (total) =>
      `${bucket} is empty: ${count(total)} ${total === 1 ? "object or version" : "objects and versions"} deleted.`,
  )
  return (
    <Confirm
      title={`Empty the bucket ${bucket}?`}
      verb="Empty"
      typed={bucket}
      busy={act.isPending}
      error={act.error}
      onNo={onClose}
      onYes={() => act.mutate(undefined, { onSuccess: onClose })}
    >
      All objects and all their versions are deleted. Nobody can bring them back.
      {act.isPending && <p role="status">{count(deleted)} deleted so far</p>}
    </Confirm>
  )
}
