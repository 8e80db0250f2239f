/** Asks the wire for the deployment: model, configuration, endpoint. What was made in vain is removed again. */
import {
  AddTagsCommand,
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  SageMakerClient,
  UpdateEndpointCommand,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { inWords, isMissing } from "@/aws/live"
import type { Tags } from "../rules"
import {
  asTags,
  configRequest,
  deploymentOf,
  madeName,
  modelRequest,
  type Now,
  tagsFor,
  type Wanted,
  type What,
} from "./plan"

const sagemaker = () => aws(SageMakerClient)

export type Begun = { endpoint: string; config: string; model: string; fresh: boolean; beside: boolean }

export async function nowOf(endpoint: string): Promise<Now> {
  const said = await sagemaker().send(new DescribeEndpointCommand({ EndpointName: endpoint }))
  try {
    const config = await sagemaker().send(
      new DescribeEndpointConfigCommand({ EndpointConfigName: said.EndpointConfigName }),
    )
    return { endpoint: said, config }
  } catch (error) {
    if (isMissing(error)) return { endpoint: said, config: undefined }
    throw error
  }
}

/** The deployment is on its way. Throws what the wire said; then nothing of it is left, or the words say what is. */
export async function begin(what: What, wanted: Wanted, group: Tags, at = Date.now()): Promise<Begun> {
  // Read anew: what the form showed may have changed since.
  const now = wanted.fresh ? undefined : await nowOf(wanted.endpoint)
  const name = madeName(wanted.endpoint, what, at)
  const own = tagsFor(what, group)
  const undo: (() => Promise<unknown>)[] = []
  try {
    const model = modelRequest(name, what, wanted, own)
    if (model) {
      await sagemaker().send(new CreateModelCommand(model))
      undo.unshift(() => sagemaker().send(new DeleteModelCommand({ ModelName: name })))
    }
    const served = "model" in what ? what.model : name
    const tags = tagsFor(what, group, now?.endpoint.EndpointConfigName)
    await sagemaker().send(new CreateEndpointConfigCommand(configRequest(name, served, what, wanted, now, tags)))
    undo.unshift(() => sagemaker().send(new DeleteEndpointConfigCommand({ EndpointConfigName: name })))
    if (wanted.fresh)
      await sagemaker().send(
        new CreateEndpointCommand({ EndpointName: wanted.endpoint, EndpointConfigName: name, Tags: asTags(own) }),
      )
    else
      await sagemaker().send(
        new UpdateEndpointCommand({
          EndpointName: wanted.endpoint,
          EndpointConfigName: name,
          DeploymentConfig: deploymentOf(wanted),
        }),
      )
    return { endpoint: wanted.endpoint, config: name, model: served, fresh: wanted.fresh, beside: wanted.beside }
  } catch (error) {
    throw await undone(error, undo)
  }
}

async function undone(error: unknown, undo: (() => Promise<unknown>)[]): Promise<unknown> {
  for (const one of undo) {
    try {
      await one()
    } catch (left) {
      return new Error(`${inWords(error)} What was made for it could not be removed again: ${inWords(left)}`)
    }
  }
  return error
}

/** The endpoint's tags name what it serves once it does. */
export async function tagServed(endpointArn: string, what: What, group: Tags): Promise<void> {
  const tags = asTags(tagsFor(what, group))
  if (tags.length) await sagemaker().send(new AddTagsCommand({ ResourceArn: endpointArn, Tags: tags }))
}

export type Stand = { phase: "moving" | "done" | "failed"; words: string }

/** How the deployment stands, as Describe tells it. */
export function standOf(
  begun: Begun,
  said: { EndpointStatus?: string; EndpointConfigName?: string; FailureReason?: string },
): Stand {
  const { EndpointStatus: status, FailureReason: why } = said
  if (status === "Failed" || status === "UpdateRollbackFailed")
    return { phase: "failed", words: why ?? "No reason is given." }
  if (status === "InService" && said.EndpointConfigName === begun.config) return { phase: "done", words: "" }
  if (status === "InService" && !begun.fresh)
    return {
      phase: "failed",
      words: `The update was taken back, and what served before serves on. ${why ?? ""}`.trim(),
    }
  return { phase: "moving", words: "" }
}
