/** One request to an endpoint, signed in the browser, and all that came back: status, headers, body, time. */
import {
  InvokeEndpointCommand,
  InvokeEndpointWithResponseStreamCommand,
  SageMakerRuntimeClient,
} from "@aws-sdk/client-sagemaker-runtime"
import { aws } from "@/aws/client"
import { inWords } from "@/aws/live"

export type Ask = {
  body: string
  /** A file in the place of the text. */
  file?: File
  contentType: string
  accept: string
  variant: string
  model: string
  container: string
  inferenceId: string
  attributes: string
  stream: boolean
}

export const ASK: Ask = {
  body: "",
  contentType: "text/csv",
  accept: "",
  variant: "",
  model: "",
  container: "",
  inferenceId: "",
  attributes: "",
  stream: false,
}

export type Answer = {
  ok: boolean
  status: number | undefined
  headers: Record<string, string>
  contentType: string
  /** The body; of a failure, what was said. */
  text: string
  bytes: number
  /** The body is no text. */
  binary: boolean
  ms: number
  variant: string
  problem?: { code: string; words: string; model?: string; modelStatus?: number }
}

type Raw = { statusCode?: number; headers?: Record<string, string> }
type Failed = Error & { OriginalMessage?: string; OriginalStatusCode?: number; $metadata?: { httpStatusCode?: number } }

const some = <K extends string>(name: K, value: string): Partial<Record<K, string>> =>
  value.trim() ? ({ [name]: value.trim() } as Record<K, string>) : {}

async function inputOf(endpoint: string, ask: Ask) {
  return {
    EndpointName: endpoint,
    Body: ask.file ? new Uint8Array(await ask.file.arrayBuffer()) : new TextEncoder().encode(ask.body),
    ...some("ContentType", ask.contentType),
    ...some("Accept", ask.accept),
    ...some("TargetVariant", ask.variant),
    ...some("TargetContainerHostname", ask.container),
    ...some("InferenceId", ask.inferenceId),
    ...some("CustomAttributes", ask.attributes),
  }
}

/** Never throws: that a model refuses is an answer too. `onPart`: what has come so far of an answer in parts. */
export async function invoke(endpoint: string, ask: Ask, onPart?: (text: string) => void): Promise<Answer> {
  let raw: Raw = {}
  // Nearer to the wire than the SDK's own reading of the answer: the headers as they came.
  const hear = { step: "deserialize", priority: "low", name: "clary-hears" } as const
  const began = performance.now()
  try {
    const input = await inputOf(endpoint, ask)
    let found: { body: Uint8Array; contentType: string; variant: string }
    if (ask.stream) {
      const command = new InvokeEndpointWithResponseStreamCommand(input)
      command.middlewareStack.add((next) => async (args) => note(await next(args)), hear)
      const said = await aws(SageMakerRuntimeClient).send(command)
      const parts: Uint8Array[] = []
      for await (const event of said.Body ?? []) {
        const problem = event.ModelStreamError ?? event.InternalStreamFailure
        if (problem) throw problem
        if (!event.PayloadPart?.Bytes) continue
        parts.push(event.PayloadPart.Bytes)
        onPart?.(new TextDecoder().decode(joined(parts)))
      }
      found = {
        body: joined(parts),
        contentType: said.ContentType ?? "",
        variant: said.InvokedProductionVariant ?? "",
      }
    } else {
      const command = new InvokeEndpointCommand({ ...input, ...some("TargetModel", ask.model) })
      command.middlewareStack.add((next) => async (args) => note(await next(args)), hear)
      const said = await aws(SageMakerRuntimeClient).send(command)
      found = {
        body: said.Body ?? new Uint8Array(),
        contentType: said.ContentType ?? "",
        variant: said.InvokedProductionVariant ?? "",
      }
    }
    const ms = performance.now() - began
    const text = asText(found.body)
    return {
      ok: true,
      status: raw.statusCode,
      headers: raw.headers ?? {},
      contentType: found.contentType,
      text: text ?? "",
      binary: text === undefined,
      bytes: found.body.length,
      ms,
      variant: found.variant,
    }
  } catch (error) {
    const failed = error as Failed
    const ms = performance.now() - began
    return {
      ok: false,
      status: raw.statusCode ?? failed.$metadata?.httpStatusCode,
      headers: raw.headers ?? {},
      contentType: "",
      text: failed.OriginalMessage ?? "",
      binary: false,
      bytes: 0,
      ms,
      variant: raw.headers?.["x-amzn-invoked-production-variant"] ?? "",
      problem: {
        code: failed.name,
        words: inWords(error),
        ...(failed.OriginalMessage ? { model: failed.OriginalMessage } : {}),
        ...(failed.OriginalStatusCode === undefined ? {} : { modelStatus: failed.OriginalStatusCode }),
      },
    }
  }

  function note<T extends { response: unknown }>(heard: T): T {
    raw = heard.response as Raw
    return heard
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The bytes as text; undefined where they are none. */
export function asText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
