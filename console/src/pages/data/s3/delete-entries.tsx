/** What will be gone is counted before anybody says yes. */
import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { inWords, useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { count } from "@/parts/format"
import { shownName } from "./keys"
import type { Entry } from "./listing"
import { countBelow, remove } from "./removing"

const COUNTED_MOST = 5_000

type Props = {
  bucket: string
  entries: readonly Entry[]
  /** Versions are listed: those chosen are gone for good. */
  versions: boolean
  versioning: string | undefined
  onClose: () => void
  onDone: () => void
  /** It is being deleted, so nobody should read it; false: that has failed. */
  onBusy?: (busy: boolean) => void
}

const several = (many: number, one: string): string => `${count(many)} ${one}${many === 1 ? "" : "s"}`

export function DeleteEntries({ bucket, entries, versions, versioning, onClose, onDone, onBusy }: Props) {
  const [deleted, setDeleted] = useState(0)
  const folders = entries.filter((one) => one.kind === "folder").map((one) => one.key)
  const objects = entries.length - folders.length
  const what = versions ? "version" : "object"
  const counting = useQuery({
    queryKey: ["s3", bucket, "count", folders, versions],
    queryFn: () => countBelow(bucket, folders, versions, COUNTED_MOST),
    enabled: folders.length > 0,
  })
  const act = useAct(
    () => remove(bucket, entries, versions, (progress) => setDeleted(progress.deleted)),
    (total) => `${several(total, what)} deleted.`,
  )
  const kept = versioning === "Enabled" && !versions
  return (
    <Confirm
      title={
        entries.length === 1
          ? `Delete ${shownName(entries[0]?.name ?? "")}?`
          : `Delete ${several(entries.length, "item")}?`
      }
      verb="Delete"
      busy={act.isPending}
      error={act.error}
      onNo={onClose}
      onYes={() => {
        onBusy?.(true)
        act.mutate(undefined, {
          onError: () => onBusy?.(false),
          onSuccess: () => {
            onDone()
            onClose()
          },
        })
      }}
    >
      <p>
        {objects > 0 && several(objects, what)}
        {objects > 0 && folders.length > 0 && " and "}
        {folders.length > 0 &&
          `${several(folders.length, "folder")} with everything below: ${
            counting.data
              ? `${counting.data.more ? "more than " : ""}${several(counting.data.counted, what)}`
              : counting.error
                ? `not counted (${inWords(counting.error)})`
                : "counting…"
          }`}
        .
      </p>
      <p>
        {kept
          ? "The bucket keeps versions: what is deleted can be had back under “Show versions and what was deleted”."
          : "Nobody can bring them back."}
      </p>
      {act.isPending && <p role="status">{count(deleted)} deleted so far</p>}
    </Confirm>
  )
}
