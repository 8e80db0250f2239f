import Box from "@cloudscape-design/components/box"
import StatusIndicator from "@cloudscape-design/components/status-indicator"

export function Waiting({ what = "Loading" }: { what?: string }) {
  return (
    <Box textAlign="center" padding="l">
      <StatusIndicator type="loading">{what}</StatusIndicator>
    </Box>
  )
}
