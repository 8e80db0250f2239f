/** Asks before something is gone. `typed`: the name must be typed, for what cannot be made again. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Modal from "@cloudscape-design/components/modal"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { type ReactNode, useState } from "react"

type Props = {
  title: string
  children: ReactNode
  verb: string
  onYes: () => void
  onNo: () => void
  busy?: boolean
  typed?: string
  error?: string
}

export function Confirm({ title, children, verb, onYes, onNo, busy, typed, error }: Props) {
  const [text, setText] = useState("")
  return (
    <Modal
      visible
      header={title}
      onDismiss={onNo}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onNo}>
              Cancel
            </Button>
            <Button variant="primary" onClick={onYes} loading={busy} disabled={typed !== undefined && text !== typed}>
              {verb}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        {error && <Alert type="error">{error}</Alert>}
        <div>{children}</div>
        {typed !== undefined && (
          <FormField label={`Type ${typed} to go on`}>
            <Input value={text} onChange={({ detail }) => setText(detail.value)} autoFocus />
          </FormField>
        )}
      </SpaceBetween>
    </Modal>
  )
}
