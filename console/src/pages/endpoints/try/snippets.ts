/** The same request from a program or a shell, ready to paste. */

import { shell } from "@/app/logic/snippets"
import { endpoint as origin, region } from "@/aws/place"
import type { Ask } from "./invoke"

export type Snippet = { id: string; title: string; text: string; note: string }

export const invocationUrl = (endpoint: string, asynchronous = false): string =>
  `${origin()}/endpoints/${encodeURIComponent(endpoint)}/${asynchronous ? "async-invocations" : "invocations"}`

/** A string of JSON is one of Python, too. */
const quoted = (text: string): string => JSON.stringify(text)

/** Names of the request in boto3, the CLI and HTTP. Only what was said is in a snippet. */
const MEMBERS = [
  ["contentType", "ContentType", "--content-type", "Content-Type"],
  ["accept", "Accept", "--accept", "Accept"],
  ["variant", "TargetVariant", "--target-variant", "X-Amzn-SageMaker-Target-Variant"],
  ["model", "TargetModel", "--target-model", "X-Amzn-SageMaker-Target-Model"],
  ["container", "TargetContainerHostname", "--target-container-hostname", "X-Amzn-SageMaker-Target-Container-Hostname"],
  ["inferenceId", "InferenceId", "--inference-id", "X-Amzn-SageMaker-Inference-Id"],
  ["attributes", "CustomAttributes", "--custom-attributes", "X-Amzn-SageMaker-Custom-Attributes"],
] as const

export function snippets(endpoint: string, ask: Ask): Snippet[] {
  const said = MEMBERS.filter(([name]) => ask[name].trim())
  const file = ask.file?.name
  return [
    { id: "boto3", title: "boto3", text: boto3(), note: "Keys and address come from the environment." },
    {
      id: "cli",
      title: "AWS CLI",
      text: cli(),
      note: "The answer is written to the file that is named last.",
    },
    { id: "curl", title: "curl", text: curl(), note: "curl 7.75 or later signs by itself." },
  ]

  function boto3(): string {
    const members = said.map(([name, member]) => `    ${member}=${quoted(ask[name].trim())},\n`).join("")
    const body = file ? `open(${quoted(file)}, "rb")` : quoted(ask.body)
    return `import boto3

runtime = boto3.client("sagemaker-runtime", endpoint_url=${quoted(origin())}, region_name=${quoted(region())})
answer = runtime.invoke_endpoint(
    EndpointName=${quoted(endpoint)},
${members}    Body=${body},
)
print(answer["Body"].read().decode())
`
  }

  function cli(): string {
    const members = said.map(([name, , option]) => `  ${option} ${shell(ask[name].trim())} \\\n`).join("")
    const body = file ? `fileb://${file}` : ask.body
    return `aws sagemaker-runtime invoke-endpoint \\
  --endpoint-url ${origin()} --region ${region()} \\
  --endpoint-name ${shell(endpoint)} \\
${members}  --cli-binary-format raw-in-base64-out \\
  --body ${shell(body)} \\
  answer.txt
cat answer.txt
`
  }

  function curl(): string {
    const headers = said.map(([name, , , header]) => `  -H ${shell(`${header}: ${ask[name].trim()}`)} \\\n`).join("")
    const body = file ? `@${file}` : ask.body.startsWith("@") ? `\n${ask.body}` : ask.body
    return `curl --aws-sigv4 aws:amz:${region()}:sagemaker \\
  --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
${headers}  --data-binary ${shell(body)} \\
  ${shell(invocationUrl(endpoint))}
`
  }
}
