/** A form out of the page's document: one control for each property of its schema. */
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import FileUpload from "@cloudscape-design/components/file-upload"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import SegmentedControl from "@cloudscape-design/components/segmented-control"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { bodyOf } from "@/app/logic/body"
import type { PageDocument } from "@/app/logic/document"
import { type Field, fieldsOf } from "@/app/logic/fields"
import { understand, type Values, written } from "@/app/logic/values"
import { ASK, type Ask } from "./invoke"

/** What stands in the controls, as words. */
type Words = Record<string, string>

const initial = (fields: readonly Field[]): Words =>
  Object.fromEntries(
    fields.map((field) => [field.name, field.initial === undefined ? "" : written(field, field.initial)]),
  )

const range = (field: Field): string => {
  if (field.kind !== "number") return ""
  const { minimum, maximum, unit } = field
  const bounds =
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}`
      : minimum !== undefined
        ? `at least ${minimum}`
        : maximum !== undefined
          ? `at most ${maximum}`
          : ""
  return [bounds, unit].filter(Boolean).join(" ")
}

function Control({ field, words, onWords }: { field: Field; words: string; onWords: (words: string) => void }) {
  if (field.kind === "boolean") {
    return (
      <SegmentedControl
        label={field.title}
        selectedId={words || null}
        options={["yes", "no"].map((one) => ({ id: one, text: one }))}
        onChange={({ detail }) => onWords(detail.selectedId)}
      />
    )
  }
  if (field.kind === "choice") {
    const titles = field.options.map((one) => one.title)
    return (
      <Select
        placeholder="Pick one"
        filteringType={titles.length > 10 ? "auto" : "none"}
        selectedOption={words ? { value: words, label: words } : null}
        options={titles.map((one) => ({ value: one, label: one }))}
        onChange={({ detail }) => onWords(detail.selectedOption.value ?? "")}
      />
    )
  }
  return (
    <Input
      value={words}
      inputMode={field.kind === "number" ? "decimal" : "text"}
      onChange={({ detail }) => onWords(detail.value)}
    />
  )
}

type Props = { document: PageDocument; busy: boolean; onAsk: (ask: Ask) => void }

export function Form({ document, busy, onAsk }: Props) {
  const fields = fieldsOf(document.input)
  const [words, setWords] = useState<Words>(() => initial(fields))
  const [files, setFiles] = useState<Record<string, File>>({})
  const [tried, setTried] = useState(false)
  const read = fields.map((field) => ({
    field,
    found: field.kind === "file" ? fileOf(files[field.name]) : understand(field, words[field.name] ?? ""),
  }))
  const ask = async () => {
    setTried(true)
    if (read.some(({ found }) => "problem" in found)) return
    const values: Values = {}
    for (const { field, found } of read) {
      const value = "problem" in found ? undefined : found.value
      if (value !== undefined) values[field.name] = value
    }
    const { content, contentType } = await bodyOf(document, fields, [values])
    onAsk({
      ...ASK,
      contentType,
      accept: document.accept,
      ...(typeof content === "string" ? { body: content } : { file: new File([content], "input") }),
    })
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        void ask()
      }}
    >
      <SpaceBetween size="m">
        {document.examples.length > 0 && (
          <div className="clary-examples">
            <Box color="text-body-secondary">Examples</Box>
            {document.examples.map((one) => (
              <Button
                key={one.title}
                formAction="none"
                onClick={() =>
                  setWords(
                    Object.fromEntries(fields.map((field) => [field.name, written(field, one.values[field.name])])),
                  )
                }
              >
                {one.title}
              </Button>
            ))}
          </div>
        )}
        <div className="clary-fields clary-fields-small">
          {read.map(({ field, found }) => (
            <FormField
              key={field.name}
              label={field.title}
              description={field.description}
              constraintText={range(field)}
              errorText={tried && "problem" in found ? found.problem : undefined}
            >
              {field.kind === "file" ? (
                <FileUpload
                  value={[files[field.name]].filter((one) => one !== undefined)}
                  accept={field.accepts}
                  onChange={({ detail }) =>
                    setFiles((now) => {
                      const { [field.name]: _, ...others } = now
                      const [file] = detail.value
                      return file ? { ...others, [field.name]: file } : others
                    })
                  }
                  i18nStrings={FILE_WORDS}
                  showFileSize
                  showFileThumbnail
                />
              ) : (
                <Control
                  field={field}
                  words={words[field.name] ?? ""}
                  onWords={(said) => setWords((now) => ({ ...now, [field.name]: said }))}
                />
              )}
            </FormField>
          ))}
        </div>
        <Button variant="primary" loading={busy}>
          Send
        </Button>
      </SpaceBetween>
    </form>
  )
}

const fileOf = (file: File | undefined): { value: File } | { problem: string } =>
  file ? { value: file } : { problem: "A file is needed." }

export const FILE_WORDS = {
  uploadButtonText: () => "Choose a file",
  dropzoneText: () => "Drop a file here",
  removeFileAriaLabel: () => "Take the file away",
  limitShowFewer: "Show fewer",
  limitShowMore: "Show more",
  errorIconAriaLabel: "Error",
}
