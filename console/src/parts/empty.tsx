/** Nothing is here yet: what that means and what to do next. */
import Box from "@cloudscape-design/components/box"
import SpaceBetween from "@cloudscape-design/components/space-between"
import type { ReactNode } from "react"

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Box textAlign="center" color="inherit" padding={{ vertical: "m" }}>
      <SpaceBetween size="xs">
        <b>{title}</b>
        {children && (
          <Box color="text-body-secondary" variant="p">
            {children}
          </Box>
        )}
        {action}
      </SpaceBetween>
    </Box>
  )
}
