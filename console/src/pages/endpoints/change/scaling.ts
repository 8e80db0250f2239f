/** Names and words of Application Auto Scaling for variants of endpoints. Pure functions. */
import type { ScalableTarget, ScalingPolicy } from "@aws-sdk/client-application-auto-scaling"
import { number } from "@/parts/format"

export const SCALED = {
  instances: "sagemaker:variant:DesiredInstanceCount",
  provisioned: "sagemaker:variant:DesiredProvisionedConcurrency",
} as const

export const METRICS = [
  {
    value: "SageMakerVariantInvocationsPerInstance",
    label: "Requests a minute and instance",
    description: "Looked at every minute",
    usual: 200,
  },
  {
    value: "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    label: "Requests at once and instance",
    description: "Looked at every 10 seconds",
    usual: 5,
  },
] as const
export type Metric = (typeof METRICS)[number]["value"]

export const resourceOf = (endpoint: string, variant: string): string => `endpoint/${endpoint}/variant/${variant}`
export const variantOf = (resource: string | undefined): string => resource?.split("/variant/")[1] ?? ""

export type Wanted = {
  variant: string
  least: number
  most: number
  name: string
  metric: Metric
  target: number
  out: number
  in: number
}

/** What the form begins with: the target and the tracking policy that the variant has, else what is usual. */
export function begun(
  endpoint: string,
  variant: string,
  targets: readonly ScalableTarget[],
  policies: readonly ScalingPolicy[],
): Wanted {
  const resource = resourceOf(endpoint, variant)
  const target = targets.find((one) => one.ResourceId === resource)
  const policy = policies.find((one) => one.ResourceId === resource && tracked(one) !== undefined)
  const tracking = policy?.TargetTrackingScalingPolicyConfiguration
  const metric = policy ? tracked(policy) : undefined
  return {
    variant,
    least: target?.MinCapacity ?? 1,
    most: target?.MaxCapacity ?? 4,
    name: policy?.PolicyName ?? "load",
    metric: metric ?? METRICS[0].value,
    target: tracking?.TargetValue ?? METRICS[0].usual,
    out: tracking?.ScaleOutCooldown ?? 300,
    in: tracking?.ScaleInCooldown ?? 300,
  }
}

function tracked(policy: ScalingPolicy): Metric | undefined {
  const type = policy.TargetTrackingScalingPolicyConfiguration?.PredefinedMetricSpecification?.PredefinedMetricType
  return METRICS.find((one) => one.value === type)?.value
}

/** What is wrong with it, in a sentence; empty: nothing. `least`: the fewest instances there may be. */
export function flaw(wanted: Wanted, least: number): string {
  const { least: low, most, target } = wanted
  if (!Number.isInteger(low) || low < least) return `At least ${least} instance${least === 1 ? "" : "s"} must stay.`
  if (!Number.isInteger(most) || most < low) return "The most must not be less than the least."
  if (!(target > 0)) return "The target must be more than zero."
  if (!/^\S.{0,255}$/.test(wanted.name)) return "The policy needs a name."
  return ""
}

/** A policy as a sentence. */
export function inShort(policy: ScalingPolicy): string {
  const tracking = policy.TargetTrackingScalingPolicyConfiguration
  if (tracking) {
    const metric = METRICS.find((one) => one.value === tracked(policy))?.label.toLowerCase()
    const custom = tracking.CustomizedMetricSpecification?.MetricName ?? "a metric of its own"
    return `keeps ${metric ?? custom} at ${number(tracking.TargetValue)}`
  }
  const steps = policy.StepScalingPolicyConfiguration
  return steps ? `${steps.StepAdjustments?.length ?? 0} steps (${steps.AdjustmentType})` : (policy.PolicyType ?? "")
}
