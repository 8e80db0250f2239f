/** The form of a new job: main members as fields, everything as a document. Both show the same, whichever is edited. */
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import Form from "@cloudscape-design/components/form"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { useNavigate } from "react-router"
import { inWords, useAct } from "@/aws/live"
import { To } from "@/shell/link"
import { KINDS } from "../reads"
import { type Cloneable, type Doc, nameMember, wrong } from "./document"
import { FieldOf } from "./field"
import { fieldsOf, get, set } from "./fields"
import { SOURCES } from "./sources"

/** How each kind is called, and what becomes of one that is made. */
export const CALLED: Record<Cloneable, { one: string; many: string; verb: string; done: string }> = {
  training: { ...KINDS.training, verb: "Start", done: "started" },
  processing: { ...KINDS.processing, verb: "Start", done: "started" },
  transform: { ...KINDS.transform, verb: "Start", done: "started" },
  tuning: { ...KINDS.tuning, verb: "Start", done: "started" },
  glue: { one: "Glue job", many: "Glue jobs", verb: "Make", done: "made" },
}

type Props = { kind: Cloneable; of: string; first: Doc }

const written = (document: Doc) => JSON.stringify(document, null, 2)

/** The document of a text, or why it is none. */
export function parse(text: string): { document: Doc } | { problem: string } {
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read !== "object" || read === null || Array.isArray(read))
      return { problem: "The document must be a JSON object." }
    return { document: read as Doc }
  } catch (error) {
    return { problem: `This is no JSON yet: ${error instanceof Error ? error.message : String(error)}` }
  }
}

export function Editor({ kind, of, first }: Props) {
  const navigate = useNavigate()
  const [document, setDocument] = useState(first)
  const [text, setText] = useState(() => written(first))
  const { one, verb, done } = CALLED[kind]
  const name = String(document[nameMember(kind)] ?? "")
  const making = useAct(() => SOURCES[kind].create(document), `${name} is ${done}`, { errorsHere: true })
  const read = parse(text)
  const unread = "problem" in read ? read.problem : undefined
  const problem = unread ?? wrong(kind, document)
  const type = (next: string) => {
    setText(next)
    const found = parse(next)
    if ("document" in found) setDocument(found.document)
  }
  const change = (next: Doc) => {
    setDocument(next)
    setText(written(next))
  }
  const fields = fieldsOf(kind, document)
  const shown = (pairs: boolean) =>
    fields
      .filter((field) => (field.type === "pairs") === pairs)
      .map((field) => (
        <FieldOf
          key={field.path.join("/")}
          field={field}
          value={get(document, field.path)}
          disabled={unread !== undefined}
          onChange={(value) => change(set(document, field.path, value))}
        />
      ))
  const go = () => making.mutate(undefined, { onSuccess: () => navigate(`/jobs/${kind}/${name}`) })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (!problem && !making.isPending) go()
      }}
    >
      <Form
        header={
          <Header
            variant="h1"
            description={
              <>
                Like <To to={`/jobs/${kind}/${of}`}>{of}</To>, with what you change here
              </>
            }
          >
            New {one}
          </Header>
        }
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" formAction="none" onClick={() => navigate(`/jobs/${kind}/${of}`)}>
              Cancel
            </Button>
            <Button variant="primary" loading={making.isPending} disabled={problem !== undefined}>
              {verb} {one}
            </Button>
          </SpaceBetween>
        }
        errorText={making.error ? inWords(making.error) : problem}
      >
        <SpaceBetween size="l">
          {kind === "training" &&
            get(document, ["CheckpointConfig", "S3Uri"]) === get(first, ["CheckpointConfig", "S3Uri"]) &&
            get(first, ["CheckpointConfig", "S3Uri"]) !== undefined && (
              <Alert type="info" header="It goes on from the same checkpoints">
                {String(get(first, ["CheckpointConfig", "S3Uri"]))} is in its CheckpointConfig. Change it in the
                document below to start from nothing.
              </Alert>
            )}
          <Container header={<Header>Main settings</Header>}>
            <SpaceBetween size="l">
              <ColumnLayout columns={2}>{shown(false)}</ColumnLayout>
              {shown(true)}
            </SpaceBetween>
          </Container>
          <Container header={<Header description="The whole request, in AWS's words">Document</Header>}>
            <FormField stretch label="Request" errorText={unread}>
              <div className="clary-job-document">
                <Textarea
                  value={text}
                  rows={Math.min(40, text.split("\n").length + 1)}
                  spellcheck={false}
                  onChange={({ detail }) => type(detail.value)}
                />
              </div>
            </FormField>
          </Container>
        </SpaceBetween>
      </Form>
    </form>
  )
}
