/** What can be done in a folder: upload, make a folder, copy addresses, delete. */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import Button from "@cloudscape-design/components/button"
import ButtonDropdown from "@cloudscape-design/components/button-dropdown"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { copy } from "@/parts/copy"
import { Dialog } from "@/parts/dialog"
import { useFlash } from "@/shell/flash"
import { DeleteEntries } from "./delete-entries"
import { folderNameProblem, pageOf, uriOf } from "./keys"
import type { Entry } from "./listing"
import { UploadButton } from "./upload-button"

type Props = {
  bucket: string
  prefix: string
  versioning: string | undefined
  versions: boolean
  /** There is little room: the buttons stand in the menu. */
  narrow: boolean
  chosen: Entry[]
  setChosen: (entries: Entry[]) => void
}

export function FolderActions({ bucket, prefix, versioning, versions, narrow, chosen, setChosen }: Props) {
  const [asking, setAsking] = useState<"delete" | "folder">()
  const flash = useFlash()
  const copyUris = () => {
    const uris = chosen.length ? chosen.map((one) => uriOf(bucket, one.key)) : [uriOf(bucket, prefix)]
    void copy(uris.join("\n")).then(() =>
      flash({ type: "success", content: uris.length === 1 ? `Copied ${uris[0]}` : `Copied ${uris.length} addresses` }),
    )
  }
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {!narrow && (
        <Button disabled={chosen.length === 0} onClick={() => setAsking("delete")}>
          Delete
        </Button>
      )}
      <ButtonDropdown
        items={[
          ...(narrow ? [{ id: "delete", text: "Delete", disabled: chosen.length === 0 }] : []),
          { id: "folder", text: "Make a folder" },
          { id: "copy", text: chosen.length > 1 ? "Copy S3 addresses" : "Copy S3 address" },
        ]}
        onItemClick={({ detail }) => (detail.id === "copy" ? copyUris() : setAsking(detail.id as "folder" | "delete"))}
      >
        Actions
      </ButtonDropdown>
      <UploadButton bucket={bucket} prefix={prefix} primary />
      {asking === "delete" && (
        <DeleteEntries
          {...{ bucket, entries: chosen, versions, versioning }}
          onClose={() => setAsking(undefined)}
          onDone={() => setChosen([])}
        />
      )}
      {asking === "folder" && <MakeFolder bucket={bucket} prefix={prefix} onClose={() => setAsking(undefined)} />}
    </SpaceBetween>
  )
}

/** S3 has no folders: an empty object whose key ends with a slash makes one seen. */
function MakeFolder({ bucket, prefix, onClose }: { bucket: string; prefix: string; onClose: () => void }) {
  const [name, setName] = useState("")
  const navigate = useNavigate()
  const plain = name.replace(/\/+$/, "")
  const problem = folderNameProblem(plain, prefix)
  const key = `${prefix}${plain}/`
  const make = useAct(() =>
    aws(S3Client).send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: new Uint8Array() })),
  )
  return (
    <Dialog
      title="Make a folder"
      verb="Make"
      busy={make.isPending}
      disabled={plain === "" || problem !== ""}
      error={make.error}
      form
      onYes={() => make.mutate(undefined, { onSuccess: () => navigate(pageOf(bucket, key)) })}
      onNo={onClose}
    >
      <FormField
        label="Name"
        errorText={problem}
        constraintText={plain ? uriOf(bucket, key) : "Slashes make folders in folders"}
      >
        <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus spellcheck={false} />
      </FormField>
    </Dialog>
  )
}
