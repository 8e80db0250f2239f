/** The machine: how full it is, and who waits for it. */
import Box from "@cloudscape-design/components/box"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import ProgressBar from "@cloudscape-design/components/progress-bar"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useLive } from "@/aws/live"
import { bytes, count } from "@/parts/format"
import { To } from "@/shell/link"
import { type Measure, machine } from "./machine"
import type { Going } from "./running"

const EVERY_MS = 15_000
/** From here on somebody should look. */
const FULL_PERCENT = 90

type Props = { going: readonly Going[]; wide?: boolean }

export function MachineBox({ going, wide = false }: Props) {
  const { data } = useLive(["home", "machine"], () => machine(), { every: EVERY_MS })
  const waits = going.filter((one) => one.waits).length
  const jobs = going.filter((one) => !one.waits && ["Training", "Processing", "Transform", "Glue"].includes(one.kind))
  return (
    <Container header={<Header variant="h2">This machine</Header>}>
      <div className={wide ? "clary-home-machine clary-home-machine-wide" : "clary-home-machine"}>
        {(data?.disks ?? []).map((one) => (
          <Bar key={one.where} label="Disk" percent={one.percent} info={left(one)} />
        ))}
        {data && data.disks.length === 0 && <Bar label="Disk" />}
        <Bar label="Memory" percent={data?.memory} />
        <Bar label="CPUs" percent={data?.cpu} />
        <div>
          <div>Queue</div>
          <SpaceBetween direction="horizontal" size="xs">
            <span>{waits === 0 ? "Nobody waits" : `${count(waits)} ${waits === 1 ? "job waits" : "jobs wait"}`}</span>
            <Box color="text-body-secondary" display="inline">
              {count(jobs.length)} {jobs.length === 1 ? "job runs" : "jobs run"}
            </Box>
          </SpaceBetween>
        </div>
      </div>
      {wide && (
        <Box padding={{ top: "s" }} color="text-body-secondary">
          Have data already? <To to="/data/s3">Upload it</To>, or <To to="/jobs/training">train on it</To>.
        </Box>
      )}
    </Container>
  )
}

const left = (disk: Measure): string => `${bytes(disk.free)} free${disk.percent >= FULL_PERCENT ? ": nearly full" : ""}`

/** A share of the machine. Without a value nothing is drawn but a dash: it is not known. */
function Bar({ label, percent, info }: { label: string; percent?: number; info?: string }) {
  if (percent === undefined)
    return (
      <div>
        <div>{label}</div>–
      </div>
    )
  return <ProgressBar label={label} value={Math.round(percent)} {...(info ? { additionalInfo: info } : {})} />
}
