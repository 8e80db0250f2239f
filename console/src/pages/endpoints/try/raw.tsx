/** A body as it goes over the wire, and all that a request may say beside it. */

import Autosuggest from "@cloudscape-design/components/autosuggest"
import Button from "@cloudscape-design/components/button"
import Checkbox from "@cloudscape-design/components/checkbox"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import FileUpload from "@cloudscape-design/components/file-upload"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import Textarea from "@cloudscape-design/components/textarea"
import { FILE_WORDS } from "./form"
import type { Ask } from "./invoke"

const TYPES = [
  "text/csv",
  "application/json",
  "application/jsonlines",
  "text/libsvm",
  "text/plain",
  "application/x-npy",
]
const suggested = TYPES.map((value) => ({ value }))
const ANY = { value: "", label: "By weight" }

type Props = {
  ask: Ask
  variants: string[]
  multiModel: boolean
  busy: boolean
  onChange: (ask: Ask) => void
  onSend: () => void
}

export function Raw({ ask, variants, multiModel, busy, onChange, onSend }: Props) {
  const set = (some: Partial<Ask>) => onChange({ ...ask, ...some })
  const options = [ANY, ...variants.map((value) => ({ value, label: value }))]
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSend()
      }}
    >
      <SpaceBetween size="m">
        {ask.file ? null : (
          <FormField label="Body" stretch>
            <Textarea
              value={ask.body}
              rows={6}
              spellcheck={false}
              placeholder="5.1,3.5,1.4,0.2"
              onChange={({ detail }) => set({ body: detail.value })}
              onKeyDown={({ detail }) => {
                if (detail.key === "Enter" && (detail.ctrlKey || detail.metaKey)) onSend()
              }}
            />
          </FormField>
        )}
        <div className="clary-fields clary-fields-small">
          <FormField label="Content type">
            <Autosuggest
              value={ask.contentType}
              options={suggested}
              enteredTextLabel={(text) => `Use ${text}`}
              clearAriaLabel="Clear"
              onChange={({ detail }) => set({ contentType: detail.value })}
            />
          </FormField>
          <FormField label="Accept">
            <Autosuggest
              value={ask.accept}
              options={suggested}
              enteredTextLabel={(text) => `Use ${text}`}
              clearAriaLabel="Clear"
              placeholder="As the model likes"
              onChange={({ detail }) => set({ accept: detail.value })}
            />
          </FormField>
          <FormField label="Variant">
            <Select
              selectedOption={options.find((one) => one.value === ask.variant) ?? ANY}
              options={options}
              onChange={({ detail }) => set({ variant: detail.selectedOption.value ?? "" })}
            />
          </FormField>
          {multiModel && (
            <FormField label="Target model" constraintText="An artifact below the model's prefix">
              <Input
                value={ask.model}
                placeholder="cars.tar.gz"
                onChange={({ detail }) => set({ model: detail.value })}
              />
            </FormField>
          )}
        </div>
        <ExpandableSection headerText="More of the request" variant="footer">
          <SpaceBetween size="m">
            <div className="clary-fields clary-fields-small">
              <FormField label="Inference id" constraintText="Stands beside what is captured">
                <Input value={ask.inferenceId} onChange={({ detail }) => set({ inferenceId: detail.value })} />
              </FormField>
              <FormField label="Custom attributes">
                <Input
                  value={ask.attributes}
                  placeholder="trace=1"
                  onChange={({ detail }) => set({ attributes: detail.value })}
                />
              </FormField>
              {!multiModel && (
                <FormField label="Target model" constraintText="Of a multi-model endpoint">
                  <Input value={ask.model} onChange={({ detail }) => set({ model: detail.value })} />
                </FormField>
              )}
              <FormField label="Target container" constraintText="Of an endpoint with Mode Direct">
                <Input value={ask.container} onChange={({ detail }) => set({ container: detail.value })} />
              </FormField>
            </div>
            <FormField label="A file as the body">
              <FileUpload
                value={ask.file ? [ask.file] : []}
                onChange={({ detail }) => {
                  const [file] = detail.value
                  const { file: _, ...others } = ask
                  onChange(file ? { ...others, file, contentType: file.type || ask.contentType } : others)
                }}
                i18nStrings={FILE_WORDS}
                showFileSize
              />
            </FormField>
            <Checkbox
              checked={ask.stream}
              onChange={({ detail }) => set({ stream: detail.checked })}
              description="InvokeEndpointWithResponseStream: each part is shown as it comes. It is not captured."
            >
              Stream the answer
            </Checkbox>
          </SpaceBetween>
        </ExpandableSection>
        <Button variant="primary" loading={busy}>
          Send
        </Button>
      </SpaceBetween>
    </form>
  )
}
