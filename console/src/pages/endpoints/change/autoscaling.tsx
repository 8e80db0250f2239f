/** Instances that follow the load: a scalable target for a variant, and a policy that tracks a metric. */
import {
  ApplicationAutoScalingClient,
  DeleteScalingPolicyCommand,
  DeregisterScalableTargetCommand,
  DescribeScalableTargetsCommand,
  DescribeScalingPoliciesCommand,
  type ScalableTarget,
  type ScalingPolicy,
} from "@aws-sdk/client-application-auto-scaling"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Confirm } from "@/parts/confirm"
import { Empty } from "@/parts/empty"
import { Problem } from "@/parts/problem"
import type { Context } from "../context"
import { inShort, resourceOf, SCALED, variantOf } from "./scaling"
import { Scale } from "./scaling-form"

async function read(endpoint: string, variants: readonly string[]) {
  const scaling = aws(ApplicationAutoScalingClient)
  const ResourceIds = variants.map((one) => resourceOf(endpoint, one))
  const targets = await all(
    (NextToken) =>
      scaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: "sagemaker", ResourceIds, NextToken })),
    (page) => page.ScalableTargets,
    (page) => page.NextToken,
  )
  const policies = await Promise.all(
    targets.map((target) =>
      all(
        (NextToken) =>
          scaling.send(
            new DescribeScalingPoliciesCommand({
              ServiceNamespace: "sagemaker",
              ResourceId: target.ResourceId,
              NextToken,
            }),
          ),
        (page) => page.ScalingPolicies,
        (page) => page.NextToken,
      ),
    ),
  )
  return { targets, policies: policies.flat() }
}

function Target({
  target,
  policies,
  onChange,
}: {
  target: ScalableTarget
  policies: ScalingPolicy[]
  onChange: () => void
}) {
  const [asking, ask] = useState(false)
  const variant = variantOf(target.ResourceId)
  const which = {
    ServiceNamespace: target.ServiceNamespace,
    ResourceId: target.ResourceId,
    ScalableDimension: target.ScalableDimension,
  }
  const drop = useAct(
    async (PolicyName: string) =>
      aws(ApplicationAutoScalingClient).send(new DeleteScalingPolicyCommand({ ...which, PolicyName })),
    "The policy is gone, and so are its alarms",
  )
  const remove = useAct(async () => {
    await aws(ApplicationAutoScalingClient).send(new DeregisterScalableTargetCommand(which))
    ask(false)
  }, `${variant} keeps the instances that it has`)
  return (
    <li className="clary-target">
      <div>
        <b>{variant}</b>{" "}
        <span>
          {target.MinCapacity} to {target.MaxCapacity}{" "}
          {target.ScalableDimension === SCALED.provisioned ? "provisioned" : "instances"}
        </span>
        {policies.length === 0 && (
          <Box color="text-body-secondary">No policy: only its bounds hold, and scheduled actions.</Box>
        )}
        {policies.map((policy) => (
          <div key={policy.PolicyName} className="clary-policy">
            <span>
              {policy.PolicyName}: {inShort(policy)}
            </span>
            <Button
              variant="inline-link"
              ariaLabel={`Delete the policy ${policy.PolicyName}`}
              loading={drop.isPending}
              onClick={() => drop.mutate(policy.PolicyName ?? "")}
            >
              Delete
            </Button>
          </div>
        ))}
      </div>
      <SpaceBetween direction="horizontal" size="xs">
        <Button ariaLabel={`Change the scaling of ${variant}`} onClick={onChange}>
          Change
        </Button>
        <Button ariaLabel={`Stop scaling ${variant}`} onClick={() => ask(true)}>
          Stop scaling
        </Button>
      </SpaceBetween>
      {asking && (
        <Confirm
          title={`Stop scaling ${variant}?`}
          verb="Stop scaling"
          busy={remove.isPending}
          error={remove.error}
          onYes={() => remove.mutate(undefined)}
          onNo={() => ask(false)}
        >
          Its policies, their alarms and its scheduled actions go. The instances that it has now stay.
        </Confirm>
      )}
    </li>
  )
}

export function Autoscaling({ endpoint, busy }: Context & { busy: boolean }) {
  const name = endpoint.EndpointName ?? ""
  const variants = (endpoint.ProductionVariants ?? []).filter((one) => !one.CurrentServerlessConfig)
  const names = variants.flatMap((one) => one.VariantName ?? [])
  const seen = useLive(["autoscaling", name, ...names], () => read(name, names), { enabled: names.length > 0 })
  const [open, setOpen] = useState<string>()
  const targets = seen.data?.targets ?? []
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Instances follow the load, by real alarms on real metrics."
          actions={
            <Button disabled={busy || names.length === 0} onClick={() => setOpen(names[0])}>
              Scale a variant
            </Button>
          }
        >
          Autoscaling
        </Header>
      }
    >
      <SpaceBetween size="m">
        {seen.error && <Problem error={seen.error} />}
        {names.length === 0 ? (
          <Empty title="Serverless variants follow the load by themselves" />
        ) : targets.length === 0 && seen.data ? (
          <Empty title="No variant is scaled">Each keeps the number of instances that it was given.</Empty>
        ) : (
          <ul className="clary-targets">
            {targets.map((target) => (
              <Target
                key={`${target.ResourceId} ${target.ScalableDimension}`}
                target={target}
                policies={(seen.data?.policies ?? []).filter(
                  (one) => one.ResourceId === target.ResourceId && one.ScalableDimension === target.ScalableDimension,
                )}
                onChange={() => setOpen(variantOf(target.ResourceId))}
              />
            ))}
          </ul>
        )}
      </SpaceBetween>
      {open !== undefined && (
        <Scale
          endpoint={name}
          variants={names}
          first={open}
          targets={targets}
          policies={seen.data?.policies ?? []}
          onDone={() => setOpen(undefined)}
        />
      )}
    </Container>
  )
}
