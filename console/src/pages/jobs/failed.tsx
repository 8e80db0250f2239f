/** Why a job failed, up front: AWS's reason, and the last lines that it logged. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { inWords, useLive } from "@/aws/live"
import { groupExists, newestLines } from "@/parts/log-view"

const LAST = 15

async function lastLines(group: string, prefix: string): Promise<string[]> {
  if (!(await groupExists(group))) return []
  return (await newestLines({ group, prefix }, LAST)).map((one) => one.text)
}

type Props = { reason: string; status: string | undefined; group: string; streams: string | undefined }

export function Failed({ reason, status, group, streams }: Props) {
  const last = useLive(["jobs", "last-lines", group, streams], () => lastLines(group, streams ?? ""), {
    enabled: streams !== undefined,
    every: false,
  })
  const [kind, ...rest] = reason.split(": ")
  const known = /^[A-Za-z]+Error$/.test(kind ?? "") && rest.length > 0
  return (
    <Alert
      type={status === "Failed" ? "error" : "warning"}
      header={
        known ? `${status === "Failed" ? "It failed" : status}: ${kind}` : status === "Failed" ? "It failed" : status
      }
    >
      <SpaceBetween size="s">
        <pre className="clary-mono">{known ? rest.join(": ") : reason}</pre>
        {last.error && <Box color="inherit">The last lines could not be read: {inWords(last.error)}</Box>}
        {last.data && last.data.length > 0 && (
          <section aria-label="Last lines of the log">
            <Box variant="awsui-key-label" color="inherit">
              Last lines of the log
            </Box>
            <pre className="clary-mono clary-scroll clary-log" tabIndex={0}>
              {last.data.join("\n")}
            </pre>
          </section>
        )}
      </SpaceBetween>
    </Alert>
  )
}
