/** A link that reads one object without keys. It ends with the keys that signed it, which last minutes: that is said. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { inWords } from "@/aws/live"
import { Code } from "@/parts/copy"
import { DialogFrame } from "@/parts/dialog"
import { instant } from "@/parts/format"
import { Waiting } from "@/parts/waiting"
import { keys } from "@/session/session"
import type { At } from "../preview/read"
import { linkTo } from "./download"
import { uriOf } from "./keys"

const SPANS = [1, 5, 15].map((minutes) => ({ value: String(minutes), label: `${minutes} min` }))
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export function Share({ at, onClose }: { at: At; onClose: () => void }) {
  const [minutes, setMinutes] = useState("5")
  const { data, error } = useQuery({
    queryKey: ["s3", at.bucket, "share", at.key, at.version, minutes],
    queryFn: async () => {
      const ends = (await keys()).expires
      const asked = Date.now() + Number(minutes) * 60_000
      return { url: await linkTo(at, Number(minutes) * 60), until: Math.min(ends, asked), shorter: ends < asked }
    },
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  return (
    <DialogFrame
      size="large"
      title="Share by a link"
      onDismiss={onClose}
      actions={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <SpaceBetween size="m">
        <FormField label="Good for" description="Whoever has the link may read this object until then.">
          <Select
            selectedOption={SPANS.find((one) => one.value === minutes) ?? null}
            options={SPANS}
            onChange={({ detail }) => setMinutes(detail.selectedOption.value ?? "5")}
          />
        </FormField>
        {error && <Alert type="error">{inWords(error)}</Alert>}
        {!data && !error && <Waiting what="Signing" />}
        {data && (
          <>
            <Code text={data.url} label="Link" />
            <Box>
              It ends at {instant(new Date(data.until))}
              {data.shorter ? ", with the keys of this session that signed it." : "."}
            </Box>
          </>
        )}
        <FormField label="For longer, up to 7 days: sign it with your own keys">
          <Code text={`aws s3 presign ${quoted(uriOf(at.bucket, at.key))} --expires-in 604800`} label="Command" />
        </FormField>
      </SpaceBetween>
    </DialogFrame>
  )
}
