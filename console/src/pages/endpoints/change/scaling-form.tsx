/** The dialog that lets a variant's instances follow a metric. */
import {
  ApplicationAutoScalingClient,
  PutScalingPolicyCommand,
  RegisterScalableTargetCommand,
  type ScalableTarget,
  type ScalingPolicy,
} from "@aws-sdk/client-application-auto-scaling"
import Box from "@cloudscape-design/components/box"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Dialog } from "@/parts/dialog"
import { begun, flaw, METRICS, resourceOf, SCALED, type Wanted } from "./scaling"

type Props = {
  endpoint: string
  variants: string[]
  first: string
  targets: ScalableTarget[]
  policies: ScalingPolicy[]
  onDone: () => void
}

const numeric = (text: string) => (text.trim() === "" ? Number.NaN : Number(text))

export function Scale({ endpoint, variants, first, targets, policies, onDone }: Props) {
  const [wanted, setWanted] = useState<Wanted>(() => begun(endpoint, first, targets, policies))
  const set = (some: Partial<Wanted>) => setWanted({ ...wanted, ...some })
  const save = useAct(async () => {
    const scaling = aws(ApplicationAutoScalingClient)
    const which = {
      ServiceNamespace: "sagemaker" as const,
      ResourceId: resourceOf(endpoint, wanted.variant),
      ScalableDimension: SCALED.instances,
    }
    await scaling.send(
      new RegisterScalableTargetCommand({ ...which, MinCapacity: wanted.least, MaxCapacity: wanted.most }),
    )
    await scaling.send(
      new PutScalingPolicyCommand({
        ...which,
        PolicyName: wanted.name,
        PolicyType: "TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration: {
          TargetValue: wanted.target,
          PredefinedMetricSpecification: { PredefinedMetricType: wanted.metric },
          ScaleOutCooldown: wanted.out,
          ScaleInCooldown: wanted.in,
        },
      }),
    )
    onDone()
  }, `${wanted.variant} follows its load now`)
  const wrong = flaw(wanted, 1)
  const options = variants.map((value) => ({ value, label: value }))
  const field = (label: string, key: "least" | "most" | "target" | "out" | "in", constraint?: string) => (
    <FormField label={label} constraintText={constraint}>
      <Input
        type="number"
        value={Number.isNaN(wanted[key]) ? "" : String(wanted[key])}
        onChange={({ detail }) => set({ [key]: numeric(detail.value) })}
      />
    </FormField>
  )
  return (
    <Dialog
      title="Scale a variant"
      verb="Scale"
      busy={save.isPending}
      disabled={wrong !== ""}
      error={save.error}
      onYes={() => save.mutate(undefined)}
      onNo={onDone}
    >
      <FormField label="Variant">
        <Select
          options={options}
          selectedOption={options.find((one) => one.value === wanted.variant) ?? null}
          onChange={({ detail }) => setWanted(begun(endpoint, detail.selectedOption.value ?? first, targets, policies))}
        />
      </FormField>
      <div className="clary-fields">
        {field("Fewest instances", "least")}
        {field("Most instances", "most")}
      </div>
      <FormField label="Follows">
        <Select
          options={[...METRICS]}
          selectedOption={METRICS.find((one) => one.value === wanted.metric) ?? null}
          onChange={({ detail }) => {
            const metric = METRICS.find((one) => one.value === detail.selectedOption.value)
            if (metric) set({ metric: metric.value, target: metric.usual })
          }}
        />
      </FormField>
      <div className="clary-fields">
        {field("Target", "target", "More instances come above it")}
        <FormField label="Name of the policy">
          <Input value={wanted.name} onChange={({ detail }) => set({ name: detail.value })} />
        </FormField>
        {field("Rest after more instances, in s", "out")}
        {field("Rest after fewer instances, in s", "in")}
      </div>
      {wrong && <Box color="text-status-error">{wrong}</Box>}
    </Dialog>
  )
}
