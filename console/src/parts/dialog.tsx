/** Dialogs: one that does something when its button is pressed, and the bare frame around whatever else stands in one. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Modal, { type ModalProps } from "@cloudscape-design/components/modal"
import SpaceBetween from "@cloudscape-design/components/space-between"
import type { ReactNode } from "react"
import { inWords } from "@/aws/live"

type FrameProps = {
  title: ReactNode
  /** It is told why: "closeButton", "keyboard" or "overlay" (a click beside the dialog). */
  onDismiss: (reason: string) => void
  children: ReactNode
  /** The buttons at its foot. */
  actions?: ReactNode
  size?: ModalProps.Size
}

export function DialogFrame({ title, onDismiss, children, actions, size = "medium" }: FrameProps) {
  return (
    <Modal
      visible
      size={size}
      header={title}
      closeAriaLabel="Close"
      onDismiss={({ detail }) => onDismiss(detail.reason)}
      footer={actions && <Box float="right">{actions}</Box>}
    >
      {children}
    </Modal>
  )
}

type Props = {
  title: ReactNode
  /** What the button says, and does. */
  verb: string
  onYes: () => void
  /** As the frame's `onDismiss`; Cancel tells "cancel". */
  onNo: (reason: string) => void
  children: ReactNode
  busy?: boolean
  disabled?: boolean
  /** Why it could not be done: an error, or words. */
  error?: unknown
  /** Stands over the error. */
  failed?: string
  size?: ModalProps.Size
  /** Enter in a field does it too. */
  form?: boolean
}

export function Dialog(props: Props) {
  const { title, verb, onYes, onNo, children, busy = false, disabled = false, error, failed, size, form } = props
  const content = (
    <SpaceBetween size="m">
      {error ? (
        <Alert type="error" header={failed}>
          {inWords(error)}
        </Alert>
      ) : null}
      {children}
    </SpaceBetween>
  )
  const entered = (event: React.FormEvent) => {
    event.preventDefault()
    if (!busy && !disabled) onYes()
  }
  return (
    <DialogFrame
      title={title}
      size={size}
      onDismiss={onNo}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="link" onClick={() => onNo("cancel")}>
            Cancel
          </Button>
          <Button variant="primary" onClick={onYes} loading={busy} disabled={disabled}>
            {verb}
          </Button>
        </SpaceBetween>
      }
    >
      {form ? <form onSubmit={entered}>{content}</form> : content}
    </DialogFrame>
  )
}
