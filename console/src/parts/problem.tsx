/** A read that failed: what AWS said, and the way to try again. */
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import { inWords } from "@/aws/live"

export function Problem({ error, again, header }: { error: unknown; again?: () => void; header?: string }) {
  return (
    <Alert
      type="error"
      header={header ?? "This could not be read"}
      action={again && <Button onClick={again}>Try again</Button>}
    >
      {inWords(error)}
    </Alert>
  )
}
