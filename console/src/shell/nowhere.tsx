import Box from "@cloudscape-design/components/box"
import { To } from "./link"
import { usePage } from "./title"

/** A link that leads nowhere, or to something that is gone. */
export function Nowhere({ what = "This page" }: { what?: string }) {
  usePage([{ text: "Not here", href: "" }])
  return (
    <Box textAlign="center" padding="xxl">
      <Box variant="h1">{what} is not here</Box>
      <Box color="text-body-secondary" padding={{ vertical: "s" }}>
        It may have been deleted, or the link has a typo.
      </Box>
      <To to="/">Go home</To>
    </Box>
  )
}
