/** Makes a schedule that starts a pipeline. */
import { DescribePipelineCommand, ListPipelinesCommand, SageMakerClient } from "@aws-sdk/client-sagemaker"
import { CreateScheduleCommand } from "@aws-sdk/client-scheduler"
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import FormLayout from "@cloudscape-design/components/form"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { inWords, useAct, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { ago, instant } from "@/parts/format"
import { usePage } from "@/shell/title"
import { nextRun } from "./next"
import { scheduleAt, scheduler } from "./reads"
import { RoleField } from "./role-field"
import { EVERY, type Every, expression, type ScheduleForm, WEEKDAYS, wrong, zones } from "./schedule-form"

const option = (value: string) => ({ value, label: value })
const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC"

const listPipelines = () =>
  all(
    (NextToken) => aws(SageMakerClient).send(new ListPipelinesCommand({ NextToken, MaxResults: 100 })),
    (page) => page.PipelineSummaries,
    (page) => page.NextToken,
  )

type Declared = { name: string; fallback: string }

/** The parameters that a pipeline declares, with what they are when nothing is said. */
async function declared(PipelineName: string): Promise<Declared[]> {
  const found = await aws(SageMakerClient).send(new DescribePipelineCommand({ PipelineName }))
  const read = JSON.parse(found.PipelineDefinition ?? "{}") as {
    Parameters?: { Name: string; DefaultValue?: unknown }[]
  }
  return (read.Parameters ?? []).map((one) => ({
    name: one.Name,
    fallback: one.DefaultValue === undefined ? "" : String(one.DefaultValue),
  }))
}

export function MakeSchedule() {
  usePage([
    { text: "Events", href: "/operate/events" },
    { text: "Schedules", href: "/operate/events?view=schedules" },
    { text: "Create schedule", href: "" },
  ])
  const navigate = useNavigate()
  const [params] = useSearchParams()
  const [form, setForm] = useState<ScheduleForm>({
    name: "",
    pipeline: params.get("pipeline") ?? "",
    role: "",
    every: "day",
    amount: "6",
    time: "03:00",
    weekday: "MON",
    date: "",
    cron: "0 3 * * ? *",
    zone: OWN_ZONE,
    parameters: {},
  })
  const [tried, setTried] = useState(false)
  const set = (change: Partial<ScheduleForm>) => setForm((now) => ({ ...now, ...change }))
  const pipelines = useLive(["events", "pipelines"], listPipelines, { every: 5_000 })
  const takes = useLive(["events", "parameters", form.pipeline], () => declared(form.pipeline), {
    every: false,
    enabled: form.pipeline !== "",
    keep: false,
  })
  const problems = wrong(form)
  const said = tried ? problems : {}
  const fires = nextRun(
    {
      expression: expression(form),
      zone: form.zone,
      ...(expression(form).startsWith("rate") ? { start: new Date() } : {}),
    },
    Date.now(),
  )
  const make = useAct(
    async () => {
      const Arn = (await aws(SageMakerClient).send(new DescribePipelineCommand({ PipelineName: form.pipeline })))
        .PipelineArn
      const given = Object.entries(form.parameters).filter(([, value]) => value !== "")
      await scheduler().send(
        new CreateScheduleCommand({
          Name: form.name,
          ScheduleExpression: expression(form),
          ScheduleExpressionTimezone: form.zone,
          FlexibleTimeWindow: { Mode: "OFF" },
          Target: {
            Arn,
            RoleArn: form.role,
            SageMakerPipelineParameters: {
              PipelineParameterList: given.map(([Name, Value]) => ({ Name, Value })),
            },
          },
        }),
      )
      await navigate(scheduleAt("default", form.name))
    },
    `The schedule ${form.name} is made`,
    { errorsHere: true },
  )
  const timed = ["day", "week", "once"].includes(form.every)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        setTried(true)
        if (Object.keys(problems).length === 0) make.mutate(undefined)
      }}
    >
      <FormLayout
        header={
          <Header variant="h1" description="It starts a pipeline, again and again or once.">
            Create schedule
          </Header>
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" formAction="none" onClick={() => void navigate(-1)}>
              Cancel
            </Button>
            <Button variant="primary" loading={make.isPending}>
              Create schedule
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {make.error && <Alert type="error">{inWords(make.error)}</Alert>}
          <Container header={<Header variant="h2">What</Header>}>
            <SpaceBetween size="m">
              <FormField label="Name" errorText={said.name}>
                <Input value={form.name} onChange={({ detail }) => set({ name: detail.value })} placeholder="nightly" />
              </FormField>
              <FormField label="Pipeline" errorText={said.pipeline ?? pipelines.error?.message}>
                <Select
                  options={(pipelines.data ?? []).map((one) => option(one.PipelineName ?? ""))}
                  selectedOption={form.pipeline ? option(form.pipeline) : null}
                  onChange={({ detail }) => set({ pipeline: detail.selectedOption.value ?? "", parameters: {} })}
                  placeholder="Choose a pipeline"
                  filteringType="auto"
                  statusType={pipelines.data ? "finished" : "loading"}
                  empty="No pipeline yet: start an example, or make one"
                />
              </FormField>
              <RoleField value={form.role} onChange={(role) => set({ role })} error={said.role} />
              {(takes.data ?? []).length > 0 && (
                <ColumnLayout columns={2}>
                  {(takes.data ?? []).map((one) => (
                    <FormField key={one.name} label={one.name}>
                      <Input
                        value={form.parameters[one.name] ?? ""}
                        placeholder={one.fallback}
                        onChange={({ detail }) => set({ parameters: { ...form.parameters, [one.name]: detail.value } })}
                      />
                    </FormField>
                  ))}
                </ColumnLayout>
              )}
            </SpaceBetween>
          </Container>
          <Container header={<Header variant="h2">When</Header>}>
            <SpaceBetween size="m">
              <ColumnLayout columns={2}>
                <FormField label="How often">
                  <Select
                    options={EVERY}
                    selectedOption={EVERY.find((one) => one.value === form.every) ?? null}
                    onChange={({ detail }) => set({ every: (detail.selectedOption.value ?? "day") as Every })}
                  />
                </FormField>
                {form.every === "week" && (
                  <FormField label="On">
                    <Select
                      options={WEEKDAYS.map(option)}
                      selectedOption={option(form.weekday)}
                      onChange={({ detail }) => set({ weekday: detail.selectedOption.value ?? "MON" })}
                    />
                  </FormField>
                )}
                {form.every === "once" && (
                  <FormField label="Day" errorText={said.date}>
                    <Input
                      value={form.date}
                      placeholder="2026-12-01"
                      onChange={({ detail }) => set({ date: detail.value })}
                    />
                  </FormField>
                )}
                {timed && (
                  <FormField label="At" errorText={said.time}>
                    <Input value={form.time} onChange={({ detail }) => set({ time: detail.value })} />
                  </FormField>
                )}
                {["minutes", "hours"].includes(form.every) && (
                  <FormField
                    label={form.every === "hours" ? "Hours between" : "Minutes between"}
                    errorText={said.amount}
                  >
                    <Input
                      inputMode="numeric"
                      value={form.amount}
                      onChange={({ detail }) => set({ amount: detail.value })}
                    />
                  </FormField>
                )}
                {form.every === "cron" && (
                  <FormField
                    label="Cron expression"
                    description="Minutes, hours, day of the month, month, day of the week, year."
                    errorText={said.cron}
                  >
                    <Input value={form.cron} onChange={({ detail }) => set({ cron: detail.value })} />
                  </FormField>
                )}
                {!["minutes", "hours"].includes(form.every) && (
                  <FormField label="Time zone">
                    <Select
                      options={zones(OWN_ZONE).map(option)}
                      selectedOption={option(form.zone)}
                      onChange={({ detail }) => set({ zone: detail.selectedOption.value ?? "UTC" })}
                      filteringType="auto"
                      virtualScroll
                    />
                  </FormField>
                )}
              </ColumnLayout>
              <Box color="text-body-secondary">
                <span className="clary-mono">{expression(form)}</span>
                {fires && ` · next: ${instant(fires)} (${ago(fires)})`}
              </Box>
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </FormLayout>
    </form>
  )
}
