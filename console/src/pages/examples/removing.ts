/** Removes one thing of an example and waits until it is gone. What is gone already counts as removed. */
import { ApplicationAutoScalingClient, DeregisterScalableTargetCommand } from "@aws-sdk/client-application-auto-scaling"
import { CloudWatchClient, DeleteAlarmsCommand } from "@aws-sdk/client-cloudwatch"
import {
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  ListRoleTagsCommand,
} from "@aws-sdk/client-iam"
import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from "@aws-sdk/client-s3"
import {
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DeleteModelPackageCommand,
  DeleteModelPackageGroupCommand,
  DeletePipelineCommand,
  DescribePipelineExecutionCommand,
  ListEndpointsCommand,
  SageMakerClient,
  StopPipelineExecutionCommand,
} from "@aws-sdk/client-sagemaker"
import { aws } from "@/aws/client"
import { isMissing } from "@/aws/live"
import { parseS3 } from "@/parts/s3"
import type { Kind, Thing } from "./inventory"
import { parseArn } from "./names"

const PATIENCE_MS = 180_000
const LOOK_MS = 400

export async function remove(thing: Thing): Promise<void> {
  try {
    await REMOVALS[thing.kind](thing.id)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

const token = () => crypto.getRandomValues(new Uint32Array(8)).join("-").padEnd(32, "-")

const REMOVALS: Record<Kind, (id: string) => Promise<unknown>> = {
  run: stopRun,
  page: removePage,
  scaling: (id) => {
    const [dimension = "", ResourceId = ""] = id.split("|")
    return aws(ApplicationAutoScalingClient).send(
      new DeregisterScalableTargetCommand({
        ServiceNamespace: "sagemaker",
        ScalableDimension: dimension as "sagemaker:variant:DesiredInstanceCount",
        ResourceId,
      }),
    )
  },
  alarm: (id) => aws(CloudWatchClient).send(new DeleteAlarmsCommand({ AlarmNames: [id] })),
  endpoint: removeEndpoint,
  "endpoint configuration": (id) =>
    aws(SageMakerClient).send(new DeleteEndpointConfigCommand({ EndpointConfigName: id })),
  model: (id) => aws(SageMakerClient).send(new DeleteModelCommand({ ModelName: id })),
  version: (id) => aws(SageMakerClient).send(new DeleteModelPackageCommand({ ModelPackageName: id })),
  group: (id) =>
    aws(SageMakerClient).send(new DeleteModelPackageGroupCommand({ ModelPackageGroupName: parseArn(id).name })),
  pipeline: (id) =>
    aws(SageMakerClient).send(
      new DeletePipelineCommand({ PipelineName: parseArn(id).name, ClientRequestToken: token() }),
    ),
  bucket: removeBucket,
  role: removeRole,
}

/** Looks again and again. Raises when it does not hold in time. */
async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} within ${PATIENCE_MS / 60_000} minutes`)
    await new Promise((done) => setTimeout(done, LOOK_MS))
  }
}

async function stopRun(PipelineExecutionArn: string): Promise<void> {
  const look = new DescribePipelineExecutionCommand({ PipelineExecutionArn })
  const status = async () => (await aws(SageMakerClient).send(look)).PipelineExecutionStatus
  if ((await status()) === "Executing")
    await aws(SageMakerClient).send(
      new StopPipelineExecutionCommand({ PipelineExecutionArn, ClientRequestToken: token() }),
    )
  await until(async () => !["Executing", "Stopping"].includes((await status()) ?? ""), "The run did not stop")
}

async function removeEndpoint(EndpointName: string): Promise<void> {
  const status = async () => {
    const { Endpoints } = await aws(SageMakerClient).send(new ListEndpointsCommand({ NameContains: EndpointName }))
    return Endpoints?.find((one) => one.EndpointName === EndpointName)?.EndpointStatus
  }
  // SageMaker does not delete what it is making or changing.
  const busy = ["Creating", "Updating", "SystemUpdating", "RollingBack"]
  await until(async () => !busy.includes((await status()) ?? ""), "The endpoint did not settle")
  if (![undefined, "Deleting"].includes(await status()))
    await aws(SageMakerClient).send(new DeleteEndpointCommand({ EndpointName }))
  await until(async () => (await status()) === undefined, "The endpoint was not deleted")
}

/** The role that serves the page, and the document that the page is made from. */
async function removePage(RoleName: string): Promise<void> {
  const { Tags = [] } = await aws(IAMClient).send(new ListRoleTagsCommand({ RoleName }))
  const document = parseS3(Tags.find((one) => one.Key === "clary:document")?.Value ?? "")
  await removeRole(RoleName)
  if (document?.key.startsWith("apps/"))
    await aws(S3Client).send(new DeleteObjectCommand({ Bucket: document.bucket, Key: document.key }))
}

async function removeRole(RoleName: string): Promise<void> {
  const iam = aws(IAMClient)
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }))
  for (const PolicyName of PolicyNames) await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }))
  for (const { PolicyArn } of AttachedPolicies) await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }))
  await iam.send(new DeleteRoleCommand({ RoleName }))
}

/** A bucket goes only when it is empty: all versions of all objects, and what was being uploaded. */
async function removeBucket(Bucket: string): Promise<void> {
  const s3 = aws(S3Client)
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 1_000 }))
    const found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
    if (!found.length) break
    const Objects = found.map(({ Key, VersionId }) => ({ Key, VersionId }))
    const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
    const first = Errors[0]
    if (first)
      throw new Error(`${first.Key}: ${first.Message ?? first.Code} (${Errors.length} objects could not be deleted)`)
  }
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
  for (const { Key, UploadId } of Uploads) await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  await s3.send(new DeleteBucketCommand({ Bucket }))
}
