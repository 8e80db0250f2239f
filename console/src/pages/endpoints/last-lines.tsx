/** The last lines that the model's servers wrote, beside the reason of a failure. */
import { inWords } from "@/aws/live"
import { useLines } from "@/parts/log-view"

const MANY = 12

export function LastLines({ endpoint }: { endpoint: string }) {
  const { lines, error } = useLines({ group: `/aws/sagemaker/Endpoints/${endpoint}`, prefix: "" }, false)
  if (error) return <span>{inWords(error)}</span>
  if (lines.length === 0) return null
  return (
    <pre className="clary-mono clary-log clary-scroll" role="log" tabIndex={0} aria-label="The last lines of its log">
      {lines
        .slice(-MANY)
        .map((one) => one.text)
        .join("\n")}
    </pre>
  )
}
