/** A new bucket: its name is checked while it is typed. */
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3"
import Checkbox from "@cloudscape-design/components/checkbox"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import { useState } from "react"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { region } from "@/aws/place"
import { Dialog } from "@/parts/dialog"
import { bucketNameProblem } from "./bucket-name"

/** A bucket in the console's region. */
export function makeBucket(name: string) {
  // us-east-1 is the one region that must not be named.
  const place = region() === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region() as never } }
  return aws(S3Client).send(new CreateBucketCommand({ Bucket: name, ...place }))
}

export function CreateBucket({ names, onClose }: { names: readonly string[]; onClose: () => void }) {
  const [name, setName] = useState("")
  const [versions, setVersions] = useState(false)
  const navigate = useNavigate()
  const problem = names.includes(name) ? "You have a bucket of that name" : bucketNameProblem(name)
  const make = useAct(
    async () => {
      await makeBucket(name)
      if (versions) {
        const asked = { Bucket: name, VersioningConfiguration: { Status: "Enabled" as const } }
        await aws(S3Client).send(new PutBucketVersioningCommand(asked))
      }
    },
    () => `The bucket ${name} is there.`,
  )
  return (
    <Dialog
      title="Create a bucket"
      verb="Create"
      busy={make.isPending}
      disabled={name === "" || problem !== ""}
      error={make.error}
      form
      onYes={() => make.mutate(undefined, { onSuccess: () => navigate(`/data/s3/${name}`) })}
      onNo={onClose}
    >
      <FormField
        label="Name"
        description={`It will be in ${region()}.`}
        constraintText="3 to 63 small letters, digits, hyphens and dots"
        errorText={problem}
      >
        <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus spellcheck={false} />
      </FormField>
      <Checkbox
        checked={versions}
        onChange={({ detail }) => setVersions(detail.checked)}
        description="What is replaced or deleted can be had back."
      >
        Keep versions
      </Checkbox>
    </Dialog>
  )
}
