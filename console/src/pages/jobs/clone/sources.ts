/** Where a clone comes from and where it goes: each kind's Describe with its tags, and its Create. */
import {
  CreateJobCommand,
  type CreateJobRequest,
  GetJobCommand,
  GetTagsCommand,
  GlueClient,
} from "@aws-sdk/client-glue"
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
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts"
import { aws } from "@/aws/client"
import { region } from "@/aws/place"
import { READS, tagsOf } from "../reads"
import type { Cloneable, Doc } from "./document"

type Tags = { key: string; value: string }[]
type Found = { described: object; tags: Tags }
type Source = { read: (name: string) => Promise<Found>; create: (document: Doc) => Promise<unknown> }

const sagemaker = () => aws(SageMakerClient)
const tagged = async (arn: string | undefined): Promise<Tags> => (arn ? tagsOf(arn) : [])

async function glueJob(name: string): Promise<Found> {
  const { Job } = await aws(GlueClient).send(new GetJobCommand({ JobName: name }))
  const { Account } = await aws(STSClient).send(new GetCallerIdentityCommand({}))
  const ResourceArn = `arn:aws:glue:${region()}:${Account}:job/${name}` // GetJob does not tell it
  const { Tags = {} } = await aws(GlueClient).send(new GetTagsCommand({ ResourceArn }))
  return { described: Job ?? {}, tags: Object.entries(Tags).map(([key, value]) => ({ key, value })) }
}

/** The person wrote the document, so its shape is what the server says of it: its refusal names the member. */
const asked = <R>(document: Doc): R => document as unknown as R

export const SOURCES: Record<Cloneable, Source> = {
  training: {
    read: async (name) => {
      const described = await READS.training(name)
      return { described, tags: await tagged(described.TrainingJobArn) }
    },
    create: (document) => sagemaker().send(new CreateTrainingJobCommand(asked<CreateTrainingJobRequest>(document))),
  },
  processing: {
    read: async (name) => {
      const described = await READS.processing(name)
      return { described, tags: await tagged(described.ProcessingJobArn) }
    },
    create: (document) => sagemaker().send(new CreateProcessingJobCommand(asked<CreateProcessingJobRequest>(document))),
  },
  transform: {
    read: async (name) => {
      const described = await READS.transform(name)
      return { described, tags: await tagged(described.TransformJobArn) }
    },
    create: (document) => sagemaker().send(new CreateTransformJobCommand(asked<CreateTransformJobRequest>(document))),
  },
  tuning: {
    read: async (name) => {
      const described = await READS.tuning(name)
      return { described, tags: await tagged(described.HyperParameterTuningJobArn) }
    },
    create: (document) =>
      sagemaker().send(new CreateHyperParameterTuningJobCommand(asked<CreateHyperParameterTuningJobRequest>(document))),
  },
  glue: {
    read: glueJob,
    create: (document) => aws(GlueClient).send(new CreateJobCommand(asked<CreateJobRequest>(document))),
  },
}
