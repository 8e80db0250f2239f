/** The same request from a program: with the inputs of the form, ready to paste. */

export type Ask = {
  /** The URL of the page. */
  base: string
  /** The address of the server: what boto3 calls the endpoint URL. */
  origin: string
  endpoint: string
  region: string
  contentType: string
  accept: string
  /** The body as text, or the name of the file that is the body. */
  body: { text: string } | { file: string }
  /** "": the page is open to all. */
  token: string
  /** Whether the token itself may stand in the text. */
  reveal: boolean
}
export type Snippet = { id: string; title: string; text: string; note: string }

/** In single quotes for a shell; a quote within ends them, stands escaped, and begins them again. */
export const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
/** A string of JSON is one of Python and JavaScript too. */
const quoted = (text: string): string => JSON.stringify(text)

export function snippets(ask: Ask): Snippet[] {
  const token = ask.token ? "Set TOKEN to the page's token first." : ""
  return [
    { id: "curl", title: "curl", text: curl(ask), note: ask.reveal ? "" : token },
    { id: "python", title: "Python", text: python(ask), note: "The standard library is enough." },
    { id: "requests", title: "requests", text: requests(ask), note: "pip install requests" },
    { id: "javascript", title: "JavaScript", text: javascript(ask), note: "In a browser or in Node." },
    {
      id: "boto3",
      title: "boto3",
      text: boto3(ask),
      note: "For people with access keys: no token, no rate limit of the page.",
    },
  ]
}

function curl(ask: Ask): string {
  const parts = [`curl ${shell(`${ask.base}/invocations`)}`, `-H ${shell(`Content-Type: ${ask.contentType}`)}`]
  if (ask.accept) parts.push(`-H ${shell(`Accept: ${ask.accept}`)}`)
  if (ask.token) {
    parts.push(ask.reveal ? `-H ${shell(`Authorization: Bearer ${ask.token}`)}` : '-H "Authorization: Bearer $TOKEN"')
  }
  parts.push(
    "file" in ask.body ? `--data-binary ${shell(`@${ask.body.file}`)}` : `--data-binary ${shell(ask.body.text)}`,
  )
  return parts.join(" \\\n  ")
}

const pythonToken = (ask: Ask) => (ask.reveal ? quoted(`Bearer ${ask.token}`) : "f\"Bearer {os.environ['TOKEN']}\"")
const pythonBody = (ask: Ask) =>
  "file" in ask.body ? `open(${quoted(ask.body.file)}, "rb").read()` : `${quoted(ask.body.text)}.encode()`

function pythonHeaders(ask: Ask): string[] {
  const lines = [`    "Content-Type": ${quoted(ask.contentType)},`]
  if (ask.accept) lines.push(`    "Accept": ${quoted(ask.accept)},`)
  if (ask.token) lines.push(`    "Authorization": ${pythonToken(ask)},`)
  return ["headers = {", ...lines, "}"]
}

const needsOs = (ask: Ask) => (ask.token && !ask.reveal ? ["import os"] : [])

function python(ask: Ask): string {
  return [
    ...needsOs(ask),
    "import urllib.request",
    "",
    `url = ${quoted(`${ask.base}/invocations`)}`,
    `body = ${pythonBody(ask)}`,
    ...pythonHeaders(ask),
    "request = urllib.request.Request(url, body, headers)",
    "with urllib.request.urlopen(request) as answer:",
    "    print(answer.read().decode())",
  ].join("\n")
}

function requests(ask: Ask): string {
  return [
    ...needsOs(ask),
    ...(needsOs(ask).length ? [""] : []),
    "import requests",
    "",
    `url = ${quoted(`${ask.base}/invocations`)}`,
    `body = ${pythonBody(ask)}`,
    ...pythonHeaders(ask),
    "answer = requests.post(url, data=body, headers=headers, timeout=60)",
    "answer.raise_for_status()",
    "print(answer.text)",
  ].join("\n")
}

function javascript(ask: Ask): string {
  const lines = [`    "content-type": ${quoted(ask.contentType)},`]
  if (ask.accept) lines.push(`    accept: ${quoted(ask.accept)},`)
  if (ask.token)
    lines.push(`    authorization: ${ask.reveal ? quoted(`Bearer ${ask.token}`) : `\`Bearer \${TOKEN}\``},`)
  const body = "file" in ask.body ? "file, // a File, for example of an <input type=file>" : `${quoted(ask.body.text)},`
  return [
    `const answer = await fetch(${quoted(`${ask.base}/invocations`)}, {`,
    '  method: "POST",',
    "  headers: {",
    ...lines,
    "  },",
    `  body: ${body}`,
    "})",
    "if (!answer.ok) throw new Error((await answer.json()).message)",
    "console.log(await answer.text())",
  ].join("\n")
}

function boto3(ask: Ask): string {
  const region = ask.region ? `, region_name=${quoted(ask.region)}` : ""
  const lines = [
    "import boto3",
    "",
    `runtime = boto3.client("sagemaker-runtime", endpoint_url=${quoted(ask.origin)}${region})`,
    "answer = runtime.invoke_endpoint(",
    `    EndpointName=${quoted(ask.endpoint)},`,
    `    ContentType=${quoted(ask.contentType)},`,
  ]
  if (ask.accept) lines.push(`    Accept=${quoted(ask.accept)},`)
  lines.push(`    Body=${pythonBody(ask)},`, ")", 'print(answer["Body"].read().decode())')
  return lines.join("\n")
}
