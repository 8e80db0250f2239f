/**
 * Starts an example by the public wire alone. Each step may be done again: what is there already is left as it is, so a
 * start that was interrupted is gone on with by starting once more.
 */
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  IAMClient,
  ListRolesCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam"
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3"
import {
  CreateModelPackageGroupCommand,
  CreatePipelineCommand,
  DescribePipelineCommand,
  ListModelPackageGroupsCommand,
  ListPipelinesCommand,
  SageMakerClient,
  StartPipelineExecutionCommand,
} from "@aws-sdk/client-sagemaker"
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts"
import { aws } from "@/aws/client"
import { all } from "@/aws/pages"
import { region } from "@/aws/place"
import { bundleOf, contentOf, fill } from "./bundle"
import { bucketFor, freeName, nameFrom, nameOfBucket, ROLES, TAG } from "./names"
import { tagged } from "./tagged"

type Say = (doing: string) => void

const FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
const TRUST = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "sagemaker.amazonaws.com" }, Action: "sts:AssumeRole" }],
}

export async function start(example: string, say: Say): Promise<void> {
  say("Looking what is there")
  const things = await tagged(example)
  const name = nameFrom(things) ?? freeName(example, await takenNames(example))
  const { Account: account = "" } = await aws(STSClient).send(new GetCallerIdentityCommand({}))
  const bucket = bucketFor(name, account, region())
  const tags = [{ Key: TAG, Value: example }]
  const has = (kind: string, what: string) => things.some((one) => one.kind === kind && one.name === what)

  const bundle = await bundleOf(example)
  if (!has("bucket", bucket)) {
    say("Making a bucket")
    await makeBucket(bucket, tags)
  }
  for (const [at, file] of bundle.files.entries()) {
    say(`Uploading file ${at + 1} of ${bundle.files.length}`)
    const Key = fill(file.key, { name, bucket, role: "" })
    const Body = await contentOf(file)
    await aws(S3Client).send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType: file.contentType }))
  }
  say("Making a role")
  const role = await makeRole(name, bucket, tags)
  if (!has("model-package-group", name)) {
    say("Making a group of versions")
    await aws(SageMakerClient).send(
      new CreateModelPackageGroupCommand({
        ModelPackageGroupName: name,
        ModelPackageGroupDescription: bundle.description,
        Tags: tags,
      }),
    )
  }
  if (!has("pipeline", name)) {
    say("Making the pipeline")
    await aws(SageMakerClient).send(
      new CreatePipelineCommand({
        PipelineName: name,
        PipelineDescription: bundle.description,
        PipelineDefinition: fill(JSON.stringify(bundle.definition), { name, bucket, role }),
        RoleArn: role,
        ClientRequestToken: crypto.getRandomValues(new Uint32Array(8)).join("-"),
        Tags: tags,
      }),
    )
  }
  say("Starting the pipeline")
  await run(name)
}

/** The first run of a pipeline: asked for twice, from two tabs for example, it is started once. */
async function run(name: string): Promise<void> {
  const { CreationTime } = await aws(SageMakerClient).send(new DescribePipelineCommand({ PipelineName: name }))
  const token = `first-run-of-${name}-${CreationTime?.getTime()}`.padEnd(32, "-").slice(-128)
  await aws(SageMakerClient).send(
    new StartPipelineExecutionCommand({
      PipelineName: name,
      ClientRequestToken: token,
      PipelineExecutionDisplayName: "first",
    }),
  )
}

export async function runAgain(name: string): Promise<string> {
  const ClientRequestToken = crypto.getRandomValues(new Uint32Array(8)).join("-").padEnd(32, "-")
  const made = await aws(SageMakerClient).send(
    new StartPipelineExecutionCommand({ PipelineName: name, ClientRequestToken }),
  )
  return made.PipelineExecutionArn ?? ""
}

/** Names that are in use by something that is no part of the example. */
async function takenNames(example: string): Promise<Set<string>> {
  const sagemaker = aws(SageMakerClient)
  const [pipelines, groups, roles, buckets] = await Promise.all([
    sagemaker.send(new ListPipelinesCommand({ PipelineNamePrefix: example, MaxResults: 100 })),
    sagemaker.send(new ListModelPackageGroupsCommand({ NameContains: example, MaxResults: 100 })),
    all(
      (Marker) => aws(IAMClient).send(new ListRolesCommand({ Marker })),
      (page) => page.Roles,
      (page) => page.Marker,
    ),
    aws(S3Client).send(new ListBucketsCommand({})),
  ])
  return new Set(
    [
      ...(pipelines.PipelineSummaries ?? []).map((one) => one.PipelineName),
      ...(groups.ModelPackageGroupSummaryList ?? []).map((one) => one.ModelPackageGroupName),
      ...roles.filter((one) => one.Path !== ROLES).map((one) => one.RoleName),
      ...(buckets.Buckets ?? []).map((one) => nameOfBucket(one.Name ?? "")),
    ].filter((one) => one !== undefined),
  )
}

async function makeBucket(Bucket: string, Tags: { Key: string; Value: string }[]): Promise<void> {
  const place = region()
  const where = place === "us-east-1" ? {} : { LocationConstraint: place as BucketLocationConstraint }
  await aws(S3Client).send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { ...where, Tags } }))
}

/** As this role the pipeline and its jobs act: SageMaker, and the objects of the one bucket. Answers its ARN. */
async function makeRole(RoleName: string, bucket: string, Tags: { Key: string; Value: string }[]): Promise<string> {
  const iam = aws(IAMClient)
  const { Roles = [] } = await iam.send(new ListRolesCommand({ PathPrefix: ROLES }))
  let arn = Roles.find((one) => one.RoleName === RoleName)?.Arn
  if (arn === undefined) {
    const AssumeRolePolicyDocument = JSON.stringify(TRUST)
    const made = await iam.send(new CreateRoleCommand({ RoleName, Path: ROLES, AssumeRolePolicyDocument, Tags }))
    arn = made.Role?.Arn ?? ""
  }
  const places = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
  const PolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "s3:*", Resource: places },
      { Effect: "Allow", Action: "iam:PassRole", Resource: arn },
    ],
  })
  await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: FULL_ACCESS }))
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "data", PolicyDocument }))
  return arn
}
