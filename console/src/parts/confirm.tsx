/** Asks before something is gone. `typed`: the name must be typed, for what cannot be made again. */
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import { type ReactNode, useState } from "react"
import { Dialog } from "./dialog"

type Props = {
  title: string
  children: ReactNode
  verb: string
  onYes: () => void
  onNo: () => void
  busy?: boolean
  typed?: string
  error?: unknown
}

export function Confirm({ children, typed, ...asked }: Props) {
  const [text, setText] = useState("")
  return (
    <Dialog {...asked} disabled={typed !== undefined && text !== typed}>
      <div>{children}</div>
      {typed !== undefined && (
        <FormField label={`Type ${typed} to go on`}>
          <Input value={text} onChange={({ detail }) => setText(detail.value)} autoFocus />
        </FormField>
      )}
    </Dialog>
  )
}
