/** Captured data: what went in and out, out of S3, the newest first. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import TextFilter from "@cloudscape-design/components/text-filter"
import { useState } from "react"
import { useSearchParams } from "react-router"
import { useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { count, instant } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { S3 } from "@/parts/s3"
import { Waiting } from "@/parts/waiting"
import type { Context } from "../context"
import { Line } from "./line"
import { matches } from "./lines"
import { type Place, placeOf, startOf } from "./places"
import { hoursOf, newest, variantsIn } from "./walk"

const PAGE = 25

export function Captured({ endpoint }: Context) {
  const [, setParams] = useSearchParams()
  const capture = endpoint.DataCaptureConfig
  const place = placeOf(capture?.DestinationS3Uri ?? "", endpoint.EndpointName ?? "")
  if (place === null) {
    return (
      <Container header={<Header variant="h2">Captured data</Header>}>
        <Empty
          title="Nothing is captured here"
          action={<Button onClick={() => setParams({ tab: "change" })}>Capture data</Button>}
        >
          Capture writes what goes in and comes out to S3: to look at it, to watch for drift, to train again.
        </Empty>
      </Container>
    )
  }
  return <Browse place={place} on={capture?.CaptureStatus === "Started"} percent={capture?.CurrentSamplingPercentage} />
}

const NEWEST = { value: "", label: "Newest" }
const EVERY = { value: "", label: "Every variant" }

function Browse({ place, on, percent }: { place: Place; on: boolean; percent: number | undefined }) {
  const [many, setMany] = useState(PAGE)
  const [hour, setHour] = useState("")
  const [variant, setVariant] = useState("")
  const [wanted, setWanted] = useState("")
  const known = useLive(["captured-folders", place.bucket, place.prefix], async () => {
    const variants = await variantsIn(place)
    return { variants, hours: await hoursOf(place, variants) }
  })
  const variants = variant ? [variant] : (known.data?.variants ?? [])
  const hours = hour ? [hour] : (known.data?.hours ?? [])
  // A text is looked for in more than what fits one page.
  const reach = wanted ? Math.max(many, 1_000) : many
  const found = useLive(
    ["captured", place.bucket, place.prefix, variants.join(), hours.join(), reach],
    () => newest(place, variants, hours, reach),
    { enabled: known.data !== undefined },
  )
  const hourOptions = [
    NEWEST,
    ...(known.data?.hours ?? []).map((value) => ({
      value,
      label: instant(startOf(value)).replace(/:00 (UTC.*)$/, " $1"),
    })),
  ]
  const variantOptions = [EVERY, ...(known.data?.variants ?? []).map((value) => ({ value, label: value }))]
  const lines = (found.data?.lines ?? []).filter((one) => !wanted || matches(one, wanted))
  const shown = lines.slice(0, many)
  const more = lines.length > many || (found.data?.more ?? false)
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={found.data ? `(${count(lines.length)}${more ? "+" : ""})` : undefined}
          description={
            <span>
              {on
                ? `${percent ?? "–"} % of the requests are captured`
                : "Capture has stopped; what was captured is still here"}
              {" · "}
              <S3 uri={`s3://${place.bucket}/${place.prefix}`} />
            </span>
          }
        >
          Captured data
        </Header>
      }
    >
      <SpaceBetween size="m">
        <div className="clary-filters">
          <TextFilter
            filteringText={wanted}
            filteringPlaceholder="Find in inputs, outputs and ids"
            filteringAriaLabel="Find in captured data"
            countText={wanted ? `${count(lines.length)} of the newest ${count(found.data?.lines.length)}` : ""}
            onChange={({ detail }) => setWanted(detail.filteringText)}
          />
          <Select
            selectedOption={hourOptions.find((one) => one.value === hour) ?? NEWEST}
            options={hourOptions}
            onChange={({ detail }) => setHour(detail.selectedOption.value ?? "")}
            ariaLabel="Hour"
          />
          {variantOptions.length > 2 && (
            <Select
              selectedOption={variantOptions.find((one) => one.value === variant) ?? EVERY}
              options={variantOptions}
              onChange={({ detail }) => setVariant(detail.selectedOption.value ?? "")}
              ariaLabel="Variant"
            />
          )}
        </div>
        {known.error || found.error ? (
          <Problem error={known.error ?? found.error} again={() => void known.refetch()} />
        ) : !found.data ? (
          <Waiting what="Reading what was captured" />
        ) : shown.length === 0 ? (
          <Empty title={wanted ? "Nothing captured has that" : "Nothing was captured yet"}>
            {wanted ? undefined : "A request is in S3 some seconds after it was answered; errors are not captured."}
          </Empty>
        ) : (
          <ol className="clary-captured" aria-label="Captured requests">
            {shown.map((one) => (
              <Line key={one.id} one={one} />
            ))}
          </ol>
        )}
        {found.data && found.data.unread > 0 && (
          <Box color="text-status-warning">{count(found.data.unread)} lines there are no captured data.</Box>
        )}
        {more && (
          <Button onClick={() => setMany(many + PAGE)} loading={found.isFetching && found.isPlaceholderData}>
            Show older
          </Button>
        )}
      </SpaceBetween>
    </Container>
  )
}
