/** Makes an alarm, or changes one: what it looks at, when it calls, whom it tells. */
import { CloudWatchClient, type MetricAlarm, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch"
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import FormLayout from "@cloudscape-design/components/form"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { useNavigate, useSearchParams } from "react-router"
import { aws } from "@/aws/client"
import { inWords, useAct, useLive } from "@/aws/live"
import { usePage } from "@/shell/title"
import { Condition } from "./condition"
import { MetricField } from "./metric-field"
import { listAlarms } from "./reads"
import { type Form, formFrom, formOf, picksOfForm, request, wrong } from "./request"
import { Seen } from "./seen"
import { Told } from "./told"

export function NewAlarm() {
  usePage([
    { text: "Alarms", href: "/operate/alarms" },
    { text: "Create alarm", href: "" },
  ])
  const [params] = useSearchParams()
  return <AlarmForm first={formOf(params.get("make") ?? "", params.get("period"))} />
}

export const EditAlarm = ({ alarm }: { alarm: MetricAlarm }) => <AlarmForm first={formFrom(alarm)} was={alarm} />

export type FieldProps = {
  form: Form
  set: (change: Partial<Form>) => void
  said: Partial<Record<keyof Form, string>>
}

function AlarmForm({ first, was }: { first: Form; was?: MetricAlarm }) {
  const there = was !== undefined
  const navigate = useNavigate()
  const [form, setForm] = useState(first)
  const [tried, setTried] = useState(false)
  const alarms = useLive(["alarms"], listAlarms, { every: false, enabled: !there })
  const taken = !there && (alarms.data ?? []).some((one) => one.AlarmName === form.name.trim())
  const problems = {
    ...wrong(form),
    ...(taken ? { name: "An alarm of that name is there; it would be replaced." } : {}),
  }
  const set = (change: Partial<Form>) => setForm((now) => ({ ...now, ...change }))
  const save = useAct(
    async () => {
      await aws(CloudWatchClient).send(new PutMetricAlarmCommand(request(form, was)))
      await navigate(`/operate/alarms/${encodeURIComponent(form.name.trim())}`)
    },
    there ? `${form.name} is changed` : `The alarm ${form.name} is made`,
    { errorsHere: true },
  )
  const submit = () => {
    setTried(true)
    if (Object.keys(problems).length === 0) save.mutate(undefined)
  }
  const said = tried ? problems : taken ? { name: problems.name ?? "" } : {}
  const fields: FieldProps = { form, set, said }
  const picks = picksOfForm(form)
  const threshold = Number(form.threshold)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <FormLayout
        header={<Header variant="h1">{there ? `Change ${form.name}` : "Create alarm"}</Header>}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" formAction="none" onClick={() => void navigate(-1)}>
              Cancel
            </Button>
            <Button variant="primary" loading={save.isPending}>
              {there ? "Save" : "Create alarm"}
            </Button>
          </SpaceBetween>
        }
      >
        <SpaceBetween size="l">
          {save.error && <Alert type="error">{inWords(save.error)}</Alert>}
          <Container header={<Header variant="h2">Metric</Header>}>
            <MetricField {...fields} />
          </Container>
          {picks.length > 0 && (
            <Seen
              picks={picks}
              period={form.period}
              threshold={form.threshold.trim() && Number.isFinite(threshold) ? threshold : undefined}
              periods={Number(form.periods) || 1}
            />
          )}
          <Container header={<Header variant="h2">Condition</Header>}>
            <Condition {...fields} />
          </Container>
          <Container header={<Header variant="h2">What it does</Header>}>
            <Told {...fields} />
          </Container>
          <Container header={<Header variant="h2">Name</Header>}>
            <SpaceBetween size="m">
              <FormField label="Name" errorText={said.name}>
                <Input
                  value={form.name}
                  disabled={there}
                  onChange={({ detail }) => set({ name: detail.value })}
                  placeholder="orders-too-slow"
                />
              </FormField>
              <FormField
                label={
                  <>
                    Description <i>– optional</i>
                  </>
                }
                description="What somebody who is called should know."
              >
                <Textarea
                  rows={2}
                  value={form.description}
                  onChange={({ detail }) => set({ description: detail.value })}
                />
              </FormField>
            </SpaceBetween>
          </Container>
        </SpaceBetween>
      </FormLayout>
    </form>
  )
}
