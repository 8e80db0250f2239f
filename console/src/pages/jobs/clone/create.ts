/** Sends the request of a cloned job. */
import {
  CreateHyperParameterTuningJobCommand,
  type CreateHyperParameterTuningJobRequest,
  CreateProcessingJobCommand,
  type CreateProcessingJobRequest,
  CreateTrainingJobCommand,
  type CreateTrainingJobRequest,
  CreateTransformJobCommand,
  type CreateTransformJobRequest,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import type { Kind } from "../reads"
import type { Doc } from "./document"

/** The person wrote the document, so its shape is what the server says of it: a ValidationException names the member. */
export async function create(kind: Kind, document: Doc): Promise<void> {
  const client = aws(SageMakerClient)
  const asked: unknown = document
  if (kind === "training") await client.send(new CreateTrainingJobCommand(asked as CreateTrainingJobRequest))
  else if (kind === "processing") await client.send(new CreateProcessingJobCommand(asked as CreateProcessingJobRequest))
  else if (kind === "transform") await client.send(new CreateTransformJobCommand(asked as CreateTransformJobRequest))
  else await client.send(new CreateHyperParameterTuningJobCommand(asked as CreateHyperParameterTuningJobRequest))
}
