/** Everything that one may change about an endpoint, the safest first. */
import Alert from "@cloudscape-design/components/alert"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { moving } from "@/parts/status"
import type { Context } from "../context"
import { Autoscaling } from "./autoscaling"
import { Capturing } from "./capturing"
import { RollBack, Update, Versions } from "./update"
import { Weights } from "./weights"

export function Change(props: Context & { problem: Error | null }) {
  const { endpoint } = props
  const status = endpoint.EndpointStatus
  const busy = moving(status) || status === "Failed"
  return (
    <SpaceBetween size="l">
      {moving(status) && (
        <Alert type="info">
          A change is on its way. The next one can be asked for when it is done; what serves is on the overview.
        </Alert>
      )}
      {status === "Failed" && (
        <Alert type="warning">It never came up, so it cannot be changed. Delete it and make it anew.</Alert>
      )}
      <Weights endpoint={endpoint} busy={busy} />
      <Versions {...props} busy={busy} />
      <Update {...props} busy={busy} />
      <RollBack {...props} busy={busy} />
      {!endpoint.AsyncInferenceConfig && <Capturing {...props} busy={busy} />}
      <Autoscaling {...props} busy={busy} />
    </SpaceBetween>
  )
}
