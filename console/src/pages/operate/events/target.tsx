/** What a rule or a schedule reaches, by name, with its page where there is one. */
import { pageOf } from "@/parts/arn"
import { Copy } from "@/parts/copy"
import { To } from "@/shell/link"
import { groupAt } from "../logs/place"

const KINDS: Record<string, string> = {
  sqs: "Queue",
  sns: "Topic",
  events: "Event bus",
  logs: "Log group",
  sagemaker: "Pipeline",
  scheduler: "Operation",
}

/** "Queue orders", "Pipeline abalone": what an ARN is to people. */
export function targetOf(arn: string): { kind: string; name: string } {
  const [, , service = "", , , ...rest] = arn.split(":")
  const name = rest
    .join(":")
    .replace(/^(log-group:|event-bus\/|pipeline\/|aws-sdk:)/, "")
    .replace(/:\*$/, "")
  return { kind: KINDS[service] ?? service, name: name || arn }
}

export function Reached({ arn }: { arn: string | undefined }) {
  if (!arn) return <>–</>
  const { kind, name } = targetOf(arn)
  const page = kind === "Log group" ? groupAt(name) : pageOf(arn)
  return (
    <span className="clary-break">
      {kind} {page ? <To to={page}>{name}</To> : <Copy text={arn} shown={name} label="Copy the ARN" />}
    </span>
  )
}
