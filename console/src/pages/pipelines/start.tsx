/** Starts an execution: a form made from the parameters that the definition declares. */
import { SageMakerClient, StartPipelineExecutionCommand } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import { useState } from "react"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Dialog, DialogFrame } from "@/parts/dialog"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import type { Definition } from "./definition"
import { Field } from "./field"
import { asked, filled, nameProblem, problemOf, type Typed } from "./parameters"
import { executionAt, usePipeline, useVersions } from "./reads"
import { NOTHING_SELECTED, type Selection, SelectSteps, selectionProblem } from "./select-steps"

type Props = {
  pipeline: string
  onDismiss: () => void
  /** What the form begins with: the values, and the version, of an earlier execution. */
  given?: Typed
  version?: number
  /** The execution whose results the steps that are not selected keep, to begin with. */
  source?: string
}

export function StartPipeline({ pipeline, onDismiss, given, version, source }: Props) {
  const [wanted, want] = useState(version)
  const { data, error, refetch } = usePipeline(pipeline, wanted, false)
  const { data: versions } = useVersions(pipeline)
  const chooser = versions && versions.length > 1 && (
    <FormField label="Version" description="Of the definition. The latest, unless you choose another.">
      <Select
        selectedOption={
          wanted === undefined ? { value: "", label: "Latest" } : { value: String(wanted), label: `Version ${wanted}` }
        }
        options={[
          { value: "", label: "Latest" },
          ...versions.map((one) => ({
            value: String(one.PipelineVersionId),
            label: `Version ${one.PipelineVersionId}`,
            description: one.PipelineVersionDisplayName ?? one.PipelineVersionDescription,
          })),
        ]}
        onChange={({ detail }) => want(detail.selectedOption.value ? Number(detail.selectedOption.value) : undefined)}
      />
    </FormField>
  )
  if (data === undefined) {
    return (
      <DialogFrame title={`Start ${pipeline}`} onDismiss={onDismiss}>
        {error ? <Problem error={error} again={() => void refetch()} /> : <Waiting what="Reading the definition" />}
      </DialogFrame>
    )
  }
  return (
    <Form
      // Another version may declare other parameters: the form begins anew.
      key={`${wanted} ${data.PipelineDefinition}`}
      pipeline={pipeline}
      definition={data.definition}
      given={given}
      source={source}
      version={wanted}
      onDismiss={onDismiss}
    >
      {chooser}
    </Form>
  )
}

type FormProps = Props & { definition: Definition; children: React.ReactNode }

function Form({ pipeline, definition, given, source, version, onDismiss, children }: FormProps) {
  const navigate = useNavigate()
  const [values, setValues] = useState(() => filled(definition.parameters, given))
  const [name, setName] = useState("")
  const [selection, select] = useState<Selection>({ ...NOTHING_SELECTED, source: source ?? "" })
  const [tried, setTried] = useState(false)
  const start = useAct(
    () =>
      aws(SageMakerClient).send(
        new StartPipelineExecutionCommand({
          PipelineName: pipeline,
          ...(name ? { PipelineExecutionDisplayName: name } : {}),
          ...(version === undefined ? {} : { PipelineVersionId: version }),
          PipelineParameters: asked(definition.parameters, values),
          ...(selection.steps.length
            ? {
                SelectiveExecutionConfig: {
                  SelectedSteps: selection.steps.map((StepName) => ({ StepName })),
                  ...(selection.source ? { SourcePipelineExecutionArn: selection.source } : {}),
                },
              }
            : {}),
        }),
      ),
    `An execution of ${pipeline} has started`,
  )
  const problems = definition.parameters.map((one) => problemOf(one, values[one.name] ?? ""))
  const wrong = problems.some(Boolean) || nameProblem(name) || selectionProblem(selection)
  const go = () => {
    setTried(true)
    if (wrong) return
    start.mutate(undefined, {
      onSuccess: (made) => {
        onDismiss()
        navigate(executionAt(pipeline, made.PipelineExecutionArn))
      },
    })
  }
  return (
    <Dialog
      title={`Start ${pipeline}`}
      verb="Start"
      busy={start.isPending}
      error={start.error}
      failed="It did not start"
      form
      onYes={go}
      onNo={onDismiss}
    >
      {children}
      {definition.parameters.length === 0 && (
        <Box color="text-body-secondary">This pipeline has no parameters: every execution begins the same.</Box>
      )}
      {definition.parameters.map((one, at) => (
        <Field
          key={one.name}
          parameter={one}
          value={values[one.name] ?? ""}
          problem={problems[at] && (tried || values[one.name] !== "") ? problems[at] : ""}
          onChange={(value) => setValues((now) => ({ ...now, [one.name]: value }))}
        />
      ))}
      <FormField
        label={
          <>
            Name of the execution <i>- optional</i>
          </>
        }
        errorText={nameProblem(name)}
      >
        <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
      </FormField>
      <ExpandableSection headerText="Run only some steps" defaultExpanded={false}>
        <SelectSteps pipeline={pipeline} definition={definition} value={selection} onChange={select} />
      </ExpandableSection>
    </Dialog>
  )
}
