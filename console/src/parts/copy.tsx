/** A text with a button that copies it. Works on plain http too, where the clipboard API is not to be had. */
import Button from "@cloudscape-design/components/button"
import { useState } from "react"
import { copy } from "./clipboard"

export { copy }

export function Copy({ text, label = "Copy", shown }: { text: string; label?: string; shown?: string }) {
  const [done, setDone] = useState(false)
  const click = () => {
    void copy(text).then(() => {
      setDone(true)
      setTimeout(() => setDone(false), 1500)
    })
  }
  return (
    <span className="clary-copy">
      {shown !== undefined && <span className="clary-break">{shown}</span>}
      <Button
        variant="inline-icon"
        iconName={done ? "check" : "copy"}
        ariaLabel={done ? "Copied" : `${label}: ${text}`}
        onClick={click}
      />
    </span>
  )
}

/** A block of code or a document, with a button that copies all of it. */
export function Code({ text, label = "Code" }: { text: string; label?: string }) {
  return (
    <div className="clary-code">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset does not keep the lines as they are */}
      <pre className="clary-mono clary-scroll" role="group" tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <span className="clary-code-copy">
        <Copy text={text} label={`Copy ${label.toLowerCase()}`} />
      </span>
    </div>
  )
}

export const Json = ({ value, label = "Document" }: { value: unknown; label?: string }) => (
  <Code text={JSON.stringify(value, null, 2) ?? ""} label={label} />
)
