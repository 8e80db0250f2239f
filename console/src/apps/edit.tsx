/** Makes or changes a model's page: who may use it, how often, and the form that it shows. */
import Alert from "@cloudscape-design/components/alert"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import RadioGroup from "@cloudscape-design/components/radio-group"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { useState } from "react"
import { inWords, useAct, useLive } from "@/aws/live"
import { Dialog, DialogFrame } from "@/parts/dialog"
import { Waiting } from "@/parts/waiting"
import { flawsOf, type Known, knownOf, readAt, SKELETON, writeTo } from "./documents"
import { DEFAULT_RATE, MOST_RATE } from "./names"
import { type Access, type App, putApp } from "./wire"

type Props = {
  endpoint: string
  /** null: there is no page yet. */
  app: App | null
  /** The page is as asked; the token, if one was made. */
  onDone: (token: string) => void
  onDismiss: () => void
}

export function Edit(props: Props) {
  const known = useLive(["app-known", props.endpoint], () => knownOf(props.endpoint), { every: false })
  const title = props.app ? "Change the page" : `A page for ${props.endpoint}`
  if (known.data) return <EditKnown {...props} title={title} known={known.data} />
  return (
    <DialogFrame title={title} onDismiss={props.onDismiss}>
      {known.error ? <Alert type="error">{inWords(known.error)}</Alert> : <Waiting />}
    </DialogFrame>
  )
}

type Form = "package" | "kept" | "written" | "none"

function EditKnown({ endpoint, app, onDone, onDismiss, title, known }: Props & { title: string; known: Known }) {
  const kept = app?.document && app.document !== known.package ? app.document : ""
  const [access, setAccess] = useState<Access>(app?.access ?? "token")
  const [rate, setRate] = useState(String(app?.rate ?? DEFAULT_RATE))
  const [form, setForm] = useState<Form>(startOf(app, known.package, kept))
  const [bucket, setBucket] = useState(known.buckets[0] ?? "")
  const [text, setText] = useState("")
  const [tried, setTried] = useState(false)

  const wrongRate =
    /^\d+$/.test(rate) && Number(rate) >= 1 && Number(rate) <= MOST_RATE ? "" : `A whole number from 1 to ${MOST_RATE}.`
  const flaws = form === "written" ? flawsOf(text) : []
  const put = useAct(
    async () => {
      const document = { package: known.package, kept, none: "", written: "" }[form]
      const uri = form === "written" ? await writeTo(bucket, endpoint, text) : document
      return putApp(endpoint, { access, rate: Number(rate), document: uri }, app)
    },
    app ? "The page is changed." : `The page of ${endpoint} is there.`,
  )
  const source = kept || known.package
  const load = useAct(() => readAt(source))
  const go = () => {
    setTried(true)
    if (!wrongRate && !flaws.length && (form !== "written" || bucket)) put.mutate(undefined, { onSuccess: onDone })
  }

  const forms = [
    ...(known.package
      ? [{ value: "package", label: "The form that the model's package brings", description: known.package }]
      : []),
    ...(kept ? [{ value: "kept", label: "The form that it has", description: kept }] : []),
    { value: "written", label: "A form that I write", description: "A JSON document: inputs, outputs and examples." },
    { value: "none", label: "No form", description: "A box for the raw body of a request." },
  ]
  return (
    <Dialog
      size={form === "written" ? "large" : "medium"}
      title={title}
      verb={app ? "Change" : "Make the page"}
      busy={put.isPending}
      error={put.error}
      onYes={go}
      onNo={onDismiss}
    >
      <SpaceBetween size="l">
        <FormField label="Who may use it">
          <RadioGroup
            value={access}
            onChange={({ detail }) => setAccess(detail.value as Access)}
            items={[
              {
                value: "token",
                label: "Whoever has the token",
                description: "It travels in the link, and is shown once.",
              },
              { value: "public", label: "Everybody with the link", description: "And everybody who guesses its name." },
            ]}
          />
        </FormField>
        <FormField
          label="Requests a minute"
          description="From one address. All together may ask ten times as often."
          errorText={tried ? wrongRate : ""}
        >
          <Input value={rate} inputMode="numeric" onChange={({ detail }) => setRate(detail.value)} />
        </FormField>
        <FormField label="What it shows">
          <RadioGroup value={form} onChange={({ detail }) => setForm(detail.value as Form)} items={forms} />
        </FormField>
        {form === "written" && (
          <Written
            text={text}
            onText={setText}
            bucket={bucket}
            onBucket={setBucket}
            buckets={known.buckets}
            problem={tried || text ? (flaws[0] ? `${flaws[0].path} ${flaws[0].message}`.trim() : "") : ""}
            more={tried || text ? flaws.length - 1 : 0}
            load={source ? () => load.mutate(undefined, { onSuccess: setText }) : undefined}
          />
        )}
      </SpaceBetween>
    </Dialog>
  )
}

function startOf(app: App | null, ofPackage: string, kept: string): Form {
  if (app) return kept ? "kept" : app.document ? "package" : "none"
  return ofPackage ? "package" : "none"
}

type WrittenProps = {
  text: string
  onText: (text: string) => void
  bucket: string
  onBucket: (bucket: string) => void
  buckets: string[]
  problem: string
  more: number
  load: (() => void) | undefined
}

function Written({ text, onText, bucket, onBucket, buckets, problem, more, load }: WrittenProps) {
  return (
    <SpaceBetween size="m">
      <FormField
        label="Document"
        stretch
        description="The order of the properties is the order of the columns."
        errorText={problem && (more > 0 ? `${problem} And ${more} more.` : problem)}
        secondaryControl={
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={() => onText(SKELETON)}>Start with a skeleton</Button>
            {load && <Button onClick={load}>Start with what it has</Button>}
          </SpaceBetween>
        }
      >
        <div className="clary-app-document">
          <Textarea value={text} rows={16} spellcheck={false} onChange={({ detail }) => onText(detail.value)} />
        </div>
      </FormField>
      <FormField label="Bucket" description="The document is kept in S3, where the page reads it.">
        <Select
          selectedOption={bucket ? { value: bucket, label: bucket } : null}
          options={buckets.map((value) => ({ value, label: value }))}
          onChange={({ detail }) => onBucket(detail.selectedOption.value ?? "")}
          empty="There is no bucket yet. Make one under Data."
        />
      </FormField>
    </SpaceBetween>
  )
}
