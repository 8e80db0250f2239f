/** How much of the traffic each variant gets, and how many instances carry it. */
import { SageMakerClient, UpdateEndpointWeightsAndCapacitiesCommand } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import Slider from "@cloudscape-design/components/slider"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { percent } from "@/parts/format"
import type { Context } from "../context"
import { niceAbove } from "../timeline/scale"
import { flaws, type Row, rowsOf, shares, wanted } from "./shares"

export function Weights({ endpoint, busy }: Pick<Context, "endpoint"> & { busy: boolean }) {
  const now = rowsOf(endpoint.ProductionVariants ?? [])
  // Undefined: nothing was touched, so the form goes with what is true.
  const [draft, setDraft] = useState<Row[]>()
  const rows = draft ?? now
  const least = endpoint.AsyncInferenceConfig ? 0 : 1
  const wrong = rows.map((one) => flaws(one, least))
  const asked = wanted(rows, now)
  const parts = shares(rows)
  const nobody = parts.every((one) => one === undefined)
  const top = niceAbove(Math.max(10, ...now.map((one) => Number(one.weight) || 0)))
  const set = (at: number, some: Partial<Row>) =>
    setDraft(rows.map((one, which) => (which === at ? { ...one, ...some } : one)))
  const apply = useAct(async () => {
    await aws(SageMakerClient).send(
      new UpdateEndpointWeightsAndCapacitiesCommand({
        EndpointName: endpoint.EndpointName,
        DesiredWeightsAndCapacities: asked,
      }),
    )
    setDraft(undefined)
  }, "Weights and instances are changing")
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="On the running instances: no request is lost, and the configuration stays as it is."
        >
          Weights and instances
        </Header>
      }
      footer={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            variant="primary"
            loading={apply.isPending}
            disabled={busy || nobody || asked.length === 0 || wrong.some((one) => Object.keys(one).length > 0)}
            onClick={() => apply.mutate(undefined)}
          >
            Apply
          </Button>
          <Button disabled={draft === undefined} onClick={() => setDraft(undefined)}>
            As it is now
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {rows.map((row, at) => (
          <fieldset key={row.name} className="clary-weights">
            <legend>
              <span>
                <b>{row.name}</b>
                <Box color="text-body-secondary" variant="span">
                  would get {percent(parts[at])} of the traffic
                </Box>
              </span>
            </legend>
            {rows.length > 1 && (
              <FormField label="Weight" errorText={wrong[at]?.weight}>
                <div className="clary-weight">
                  <Slider
                    min={0}
                    max={top}
                    step={top / 100}
                    value={Math.min(top, Number(row.weight) || 0)}
                    ariaLabel={`Weight of ${row.name}`}
                    onChange={({ detail }) => set(at, { weight: String(Number(detail.value.toPrecision(6))) })}
                  />
                  <Input
                    value={row.weight}
                    inputMode="decimal"
                    ariaLabel={`Weight of ${row.name} as a number`}
                    onChange={({ detail }) => set(at, { weight: detail.value })}
                  />
                </div>
              </FormField>
            )}
            {row.serverless ? (
              <>
                <FormField label="Most requests at once" errorText={wrong[at]?.concurrency}>
                  <Input
                    value={row.concurrency}
                    inputMode="numeric"
                    onChange={({ detail }) => set(at, { concurrency: detail.value })}
                  />
                </FormField>
                <FormField
                  label="Provisioned concurrency"
                  constraintText="Instances that stay; empty: none"
                  errorText={wrong[at]?.provisioned}
                >
                  <Input
                    value={row.provisioned}
                    inputMode="numeric"
                    onChange={({ detail }) => set(at, { provisioned: detail.value })}
                  />
                </FormField>
              </>
            ) : (
              <FormField label="Instances" errorText={wrong[at]?.count}>
                <Input
                  type="number"
                  value={row.count}
                  inputMode="numeric"
                  ariaLabel={`Instances of ${row.name}`}
                  onChange={({ detail }) => set(at, { count: detail.value })}
                />
              </FormField>
            )}
          </fieldset>
        ))}
        {nobody && rows.length > 0 && (
          <Box color="text-status-error">With no weight at all no variant would get a request.</Box>
        )}
      </SpaceBetween>
    </Container>
  )
}
