/** Files, or a folder with all that is in it, chosen from the person's machine. */
import ButtonDropdown from "@cloudscape-design/components/button-dropdown"
import { useRef } from "react"
import { filesOfInput } from "./dropped"
import { upload } from "./uploads"

export function UploadButton({
  bucket,
  prefix,
  primary = false,
}: {
  bucket: string
  prefix: string
  primary?: boolean
}) {
  const files = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const given = (input: HTMLInputElement) => {
    upload(bucket, prefix, filesOfInput(input.files))
    input.value = "" // the same file may be chosen again
  }
  return (
    <>
      <ButtonDropdown
        variant={primary ? "primary" : "normal"}
        mainAction={{ text: "Upload", iconName: "upload", onClick: () => files.current?.click() }}
        ariaLabel="More ways to upload"
        items={[
          { id: "files", text: "Files" },
          { id: "folder", text: "A folder" },
        ]}
        onItemClick={({ detail }) => (detail.id === "folder" ? folder : files).current?.click()}
      />
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(event) => given(event.currentTarget)}
      />
      <input
        ref={(input) => {
          folder.current = input
          input?.setAttribute("webkitdirectory", "") // React knows no such attribute
        }}
        type="file"
        hidden
        aria-label="Folder to upload"
        onChange={(event) => given(event.currentTarget)}
      />
    </>
  )
}
