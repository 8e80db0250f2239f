/** A page that breaks says so, and leaves the rest of the console standing. */
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import { Component, type ReactNode } from "react"
import { inWords } from "@/aws/live"

export class Failure extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <Alert
        type="error"
        header="This page has failed"
        action={<Button onClick={() => location.reload()}>Load it again</Button>}
      >
        {inWords(this.state.error)}
      </Alert>
    )
  }
}
