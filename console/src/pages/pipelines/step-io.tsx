/** What went into a step's job and what came out, as the job itself says: every expression is resolved there. */
import Box from "@cloudscape-design/components/box"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { FAST_MS, useLive } from "@/aws/live"
import { Json } from "@/parts/copy"
import { Problem } from "@/parts/problem"
import { S3 } from "@/parts/s3"
import { Waiting } from "@/parts/waiting"
import type { Made } from "./made"
import { type Item, readMade } from "./made-reads"

const LONG = 30

export function InAndOut({ made, live }: { made: Made; live: boolean }) {
  const { data, error, refetch } = useLive(["pipelines", "made", made.arn, live], () => readMade(made), {
    every: live ? 2 * FAST_MS : false,
  })
  if (error && !data) return <Problem error={error} again={() => void refetch()} />
  if (!data) return <Waiting />
  return (
    <SpaceBetween size="l">
      <ColumnLayout columns={2}>
        <Items title="Inputs" items={data.inputs} none="It reads no data." />
        <Items title="Outputs" items={data.outputs} none={live ? "Nothing yet." : "It leaves no data."} />
      </ColumnLayout>
      {data.settings.length > 0 && <Items title="Settings" items={data.settings} none="" across />}
      <ExpandableSection headerText="Everything it was asked for, resolved">
        <Json label="Description" value={data.document} />
      </ExpandableSection>
    </SpaceBetween>
  )
}

/** `across`: beside each other where they are short. */
function Items({ title, items, none, across }: { title: string; items: Item[]; none: string; across?: boolean }) {
  return (
    <div>
      <Box variant="h3" padding={{ bottom: "xs" }}>
        {title}
      </Box>
      {items.length === 0 ? (
        <Box color="text-body-secondary">{none}</Box>
      ) : (
        <dl className={across ? "clary-items clary-items-across" : "clary-items"}>
          {items.map((one) => (
            <div key={one.name} className={(one.uri ?? one.text ?? "").length > LONG ? "clary-items-long" : ""}>
              <dt>{one.name}</dt>
              <dd className="clary-break">{one.uri ? <S3 uri={one.uri} /> : one.text}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}
