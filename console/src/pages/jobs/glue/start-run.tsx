/** Starts a run: with the job's own arguments, or with others over them. */
import { GlueClient, type Job, StartJobRunCommand } from "@aws-sdk/client-glue"
import Alert from "@cloudscape-design/components/alert"
import AttributeEditor from "@cloudscape-design/components/attribute-editor"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import { useState } from "react"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Dialog } from "@/parts/dialog"

type Argument = { name: string; value: string }

/** What is asked for beyond the job's own: arguments that are new or have another value. */
export function changed(own: Record<string, string>, rows: readonly Argument[]): Record<string, string> {
  return Object.fromEntries(
    rows.filter((one) => one.name !== "" && own[one.name] !== one.value).map((one) => [one.name, one.value]),
  )
}

export function StartRun({ job, first, onDone }: { job: Job; first?: Record<string, string>; onDone: () => void }) {
  const navigate = useNavigate()
  const name = job.Name ?? ""
  const own = job.DefaultArguments ?? {}
  const [rows, setRows] = useState<Argument[]>(() =>
    Object.entries({ ...own, ...first }).map(([one, value]) => ({ name: one, value })),
  )
  const starting = useAct(
    () => aws(GlueClient).send(new StartJobRunCommand({ JobName: name, Arguments: changed(own, rows) })),
    `A run of ${name} is started`,
    { errorsHere: true },
  )
  const go = () =>
    starting.mutate(undefined, {
      onSuccess: ({ JobRunId }) => {
        onDone()
        if (JobRunId) navigate(`/jobs/glue/${encodeURIComponent(name)}/${JobRunId}`)
      },
    })
  const put = (at: number, change: Partial<Argument>) =>
    setRows((now) => now.map((one, n) => (n === at ? { ...one, ...change } : one)))
  const odd = rows.find((one) => one.name !== "" && !one.name.startsWith("--"))
  return (
    <Dialog
      title={`Run ${name}`}
      verb="Start run"
      busy={starting.isPending}
      error={starting.error}
      onYes={go}
      onNo={onDone}
    >
      {odd && <Alert type="info">Names of arguments begin with two hyphens as a rule; {odd.name} does not.</Alert>}
      <FormField label="Arguments" description="They go over the job's own of the same name" stretch>
        <AttributeEditor<Argument>
          items={rows}
          addButtonText="Add an argument"
          removeButtonText="Remove"
          empty="None"
          isItemRemovable={(one) => !(one.name in own)}
          onAddButtonClick={() => setRows((now) => [...now, { name: "--", value: "" }])}
          onRemoveButtonClick={({ detail }) => setRows((now) => now.filter((_, at) => at !== detail.itemIndex))}
          definition={[
            {
              label: "Name",
              control: (one, at) => (
                <Input
                  value={one.name}
                  ariaLabel={`Name of argument ${at + 1}`}
                  readOnly={one.name in own}
                  onChange={({ detail }) => put(at, { name: detail.value })}
                />
              ),
            },
            {
              label: "Value",
              control: (one, at) => (
                <Input
                  value={one.value}
                  ariaLabel={`Value of ${one.name === "--" ? `argument ${at + 1}` : one.name}`}
                  onChange={({ detail }) => put(at, { value: detail.value })}
                />
              ),
            },
          ]}
        />
      </FormField>
    </Dialog>
  )
}
