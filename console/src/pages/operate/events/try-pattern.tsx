/** Does this pattern match that event? EventBridge says so itself. */
import { TestEventPatternCommand } from "@aws-sdk/client-eventbridge"
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { useSearchParams } from "react-router"
import { inWords, useAct } from "@/aws/live"
import { region } from "@/aws/place"
import { useWho } from "@/shell/who"
import { events } from "./reads"
import { pretty, SAMPLES, sample } from "./samples"

export function TryPattern() {
  const [params] = useSearchParams()
  const { account } = useWho()
  const first = SAMPLES[0]
  const [chosen, setChosen] = useState(first?.name ?? "")
  const [pattern, setPattern] = useState(pretty(params.get("pattern") ?? "") || pretty(first?.pattern))
  const [event, setEvent] = useState("")
  const shown = event || pretty(sample(chosen, { account, region: region() }))
  const act = useAct(
    () => events().send(new TestEventPatternCommand({ EventPattern: pattern, Event: shown })),
    undefined,
    { errorsHere: true },
  )
  const options = SAMPLES.map((one) => ({ value: one.name, label: one.name }))
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <Button variant="primary" loading={act.isPending} onClick={() => act.mutate(undefined)}>
              Try
            </Button>
          }
        >
          Try a pattern
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField label="An event to start from">
          <Select
            options={options}
            selectedOption={options.find((one) => one.value === chosen) ?? null}
            onChange={({ detail }) => {
              const name = detail.selectedOption.value ?? ""
              setChosen(name)
              setEvent("")
              if (!params.get("pattern")) setPattern(pretty(SAMPLES.find((one) => one.name === name)?.pattern))
              act.reset()
            }}
          />
        </FormField>
        <ColumnLayout columns={2}>
          <FormField label="Pattern" stretch>
            <Textarea
              rows={16}
              value={pattern}
              spellcheck={false}
              onChange={({ detail }) => {
                setPattern(detail.value)
                act.reset()
              }}
            />
          </FormField>
          <FormField label="Event" stretch>
            <Textarea
              rows={16}
              value={shown}
              spellcheck={false}
              onChange={({ detail }) => {
                setEvent(detail.value)
                act.reset()
              }}
            />
          </FormField>
        </ColumnLayout>
        {act.error ? (
          <Alert type="error" header="That is no pattern, or no event">
            {inWords(act.error)}
          </Alert>
        ) : act.data ? (
          <Alert type={act.data.Result ? "success" : "info"}>
            {act.data.Result ? "The pattern matches the event." : "The pattern does not match the event."}
          </Alert>
        ) : (
          <Box color="text-body-secondary">
            Values stand in lists; an event matches by any of them. Also: prefix, suffix, anything-but, numeric, exists,
            wildcard, cidr, equals-ignore-case and $or.
          </Box>
        )}
      </SpaceBetween>
    </Container>
  )
}
