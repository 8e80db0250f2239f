/** Another configuration or another version for an endpoint, and the way back to the one before. */
import { ListModelPackagesCommand, SageMakerClient, UpdateEndpointCommand } from "@aws-sdk/client-sagemaker"
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Checkbox from "@cloudscape-design/components/checkbox"
import Container from "@cloudscape-design/components/container"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { inWords, useAct, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Deploy } from "@/pages/models/deploy"
import { Confirm } from "@/parts/confirm"
import { ago } from "@/parts/format"
import { Ago } from "@/parts/time"
import { previous } from "../changes"
import type { Context } from "../context"
import { readConfigs, useConfig, useModels } from "../read"
import { VariantTable } from "../variant-table"
import { variantsOf, versionPage } from "../variants"
import { How } from "./how"
import { deploymentConfig, POLICY } from "./policy"

const update = (endpoint: string | undefined, config: string, policy = POLICY, retain = false) =>
  aws(SageMakerClient).send(
    new UpdateEndpointCommand({
      EndpointName: endpoint,
      EndpointConfigName: config,
      DeploymentConfig: deploymentConfig(policy),
      ...(retain ? { RetainAllVariantProperties: true } : {}),
    }),
  )

/** What a configuration would serve, before anybody is sent there. */
export function Preview({ config }: { config: string }) {
  const { data, error } = useConfig(config)
  if (error) return <Box color="text-status-error">{inWords(error)}</Box>
  if (!data) return null
  const shown = (data.ProductionVariants ?? []).map((one) => ({
    VariantName: one.VariantName,
    CurrentWeight: one.InitialVariantWeight ?? 1,
    DesiredWeight: one.InitialVariantWeight ?? 1,
    CurrentInstanceCount: one.InitialInstanceCount,
    DesiredInstanceCount: one.InitialInstanceCount,
  }))
  return <VariantTable title={`Variants of ${config}`} variants={variantsOf({ ProductionVariants: shown }, data)} />
}

export function Update({ endpoint, alarms, busy }: Context & { busy: boolean }) {
  const [chosen, choose] = useState("")
  const [policy, setPolicy] = useState(POLICY)
  const [retain, setRetain] = useState(false)
  const configs = useLive(["endpoint-configs"], readConfigs)
  const options = (configs.data ?? []).map((one) => ({
    value: one.EndpointConfigName ?? "",
    label: one.EndpointConfigName ?? "",
    description: `made ${ago(one.CreationTime)}${one.EndpointConfigName === endpoint.EndpointConfigName ? ", in force now" : ""}`,
  }))
  const act = useAct(async () => {
    await update(endpoint.EndpointName, chosen, policy, retain)
    choose("")
  }, "The update has begun")
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="New instances come up beside the old ones; the old go when the new ones have the traffic."
        >
          Update to another configuration
        </Header>
      }
      footer={
        <Button
          variant="primary"
          disabled={busy || !chosen}
          loading={act.isPending}
          onClick={() => act.mutate(undefined)}
        >
          Update
        </Button>
      }
    >
      <SpaceBetween size="l">
        <FormField label="Configuration" errorText={configs.error ? inWords(configs.error) : undefined}>
          <Select
            options={options}
            selectedOption={options.find((one) => one.value === chosen) ?? null}
            placeholder="Pick one"
            filteringType={options.length > 10 ? "auto" : "none"}
            empty="There is no configuration"
            statusType={configs.data ? "finished" : "loading"}
            onChange={({ detail }) => choose(detail.selectedOption.value ?? "")}
          />
        </FormField>
        {chosen && <Preview config={chosen} />}
        <How policy={policy} alarms={alarms} onChange={setPolicy} />
        <Checkbox
          checked={retain}
          onChange={({ detail }) => setRetain(detail.checked)}
          description="Variants that keep their names keep what they have now, whatever the configuration says."
        >
          Keep weights and instances as they are
        </Checkbox>
      </SpaceBetween>
    </Container>
  )
}

/** Versions of the groups that the endpoint serves; one of them is deployed by the models' own dialog. */
export function Versions({ endpoint, config, busy }: Context & { busy: boolean }) {
  const models = useModels([...new Set(variantsOf(endpoint, config).flatMap((one) => one.model ?? []))])
  const groups = [
    ...new Set(
      (models.data ?? []).flatMap((one) => /:model-package\/([^/]+)\/\d+$/.exec(one.package ?? "")?.[1] ?? []),
    ),
  ]
  const versions = useLive(
    ["endpoint-versions", ...groups],
    () =>
      Promise.all(
        groups.map((ModelPackageGroupName) =>
          all(
            (NextToken) =>
              aws(SageMakerClient).send(
                new ListModelPackagesCommand({
                  ModelPackageGroupName,
                  MaxResults: 100,
                  SortOrder: "Descending",
                  NextToken,
                }),
              ),
            (page) => page.ModelPackageSummaryList,
            (page) => page.NextToken,
          ),
        ),
      ),
    { enabled: groups.length > 0 },
  )
  const [chosen, choose] = useState("")
  const [open, setOpen] = useState(false)
  if (groups.length === 0) return null
  const serving = new Set((models.data ?? []).map((one) => one.package))
  const options = (versions.data ?? []).flat().map((one) => ({
    value: one.ModelPackageArn ?? "",
    label: versionPage(one.ModelPackageArn)?.text ?? one.ModelPackageArn ?? "",
    description: `${one.ModelApprovalStatus ?? ""}, made ${ago(one.CreationTime)}${serving.has(one.ModelPackageArn) ? ", serves now" : ""}`,
    disabled: one.ModelApprovalStatus !== "Approved",
    ...(one.ModelApprovalStatus === "Approved" ? {} : { disabledReason: "Approve it first" }),
  }))
  return (
    <Container
      header={
        <Header variant="h2" description={`Of the registry: ${groups.join(", ")}`}>
          Another version of the model
        </Header>
      }
    >
      <div className="clary-fields">
        <FormField label="Version" errorText={versions.error ? inWords(versions.error) : undefined}>
          <Select
            options={options}
            selectedOption={options.find((one) => one.value === chosen) ?? null}
            placeholder="Pick one"
            onChange={({ detail }) => choose(detail.selectedOption.value ?? "")}
          />
        </FormField>
        <FormField label="Deploy it">
          <Button disabled={busy || !chosen} onClick={() => setOpen(true)}>
            Deploy this version
          </Button>
        </FormField>
      </div>
      {open && <Deploy packageArn={chosen} endpoint={endpoint.EndpointName} onDismiss={() => setOpen(false)} />}
    </Container>
  )
}

export function RollBack({ endpoint, changes, busy, problem }: Context & { busy: boolean; problem: Error | null }) {
  const [asking, ask] = useState(false)
  const found = previous(changes, endpoint.EndpointConfigName)
  const config = useConfig(found?.config)
  const gone = config.error !== null
  const act = useAct(async () => {
    await update(endpoint.EndpointName, found?.config ?? "")
    ask(false)
  }, `Going back to ${found?.config}`)
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="An update to the configuration before: no request is lost on the way."
          actions={
            <Button disabled={busy || !found || gone} onClick={() => ask(true)}>
              Roll back
            </Button>
          }
        >
          Roll back
        </Header>
      }
    >
      {problem && <Alert type="warning">The audit could not be read: {inWords(problem)}</Alert>}
      {!found ? (
        <Box color="text-body-secondary">
          The audit knows of no other configuration of this endpoint. Any configuration can be chosen above.
        </Box>
      ) : gone ? (
        <Box color="text-body-secondary">
          Before it was {found.config}, but that configuration was deleted. Choose another one above.
        </Box>
      ) : (
        <Box>
          Before {endpoint.EndpointConfigName} it was <b>{found.config}</b>, asked for by {found.who}{" "}
          <Ago when={new Date(found.at)} />, as the audit says.
        </Box>
      )}
      {asking && found?.config && (
        <Confirm
          title={`Go back to ${found.config}?`}
          verb="Roll back"
          busy={act.isPending}
          error={act.error}
          onYes={() => act.mutate(undefined)}
          onNo={() => ask(false)}
        >
          <SpaceBetween size="m">
            <span>
              {endpoint.EndpointName} goes from {endpoint.EndpointConfigName} to {found.config}, all at once.
            </span>
            <Preview config={found.config} />
          </SpaceBetween>
        </Confirm>
      )}
    </Container>
  )
}
