/** All buckets: made, emptied, deleted. */
import { type Bucket, DeleteBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3"
import Button from "@cloudscape-design/components/button"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Confirm } from "@/parts/confirm"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { usePage } from "@/shell/title"
import { CreateBucket } from "./create-bucket"
import { EmptyBucket } from "./empty-bucket"

export const allBuckets = () =>
  all(
    (token) => aws(S3Client).send(new ListBucketsCommand({ ContinuationToken: token, MaxBuckets: 1_000 })),
    (page) => page.Buckets,
    (page) => page.ContinuationToken,
    10_000,
  )

const COLUMNS: Column<Bucket>[] = [
  {
    id: "name",
    header: "Bucket",
    cell: (one) => <To to={`/data/s3/${one.Name ?? ""}`}>{one.Name}</To>,
    text: (one) => one.Name,
    sortingField: "Name",
    isRowHeader: true,
  },
  {
    id: "region",
    header: "Region",
    cell: (one) => one.BucketRegion ?? "–",
    text: (one) => one.BucketRegion,
    sortingField: "BucketRegion",
  },
  {
    id: "created",
    header: "Created",
    cell: (one) => <Instant when={one.CreationDate} />,
    text: (one) => one.CreationDate,
    sortingField: "CreationDate",
  },
]

export function Buckets() {
  usePage([{ text: "Files", href: "/data/s3" }])
  const { data, error, refetch } = useLive(["s3", "buckets"], allBuckets)
  const [chosen, setChosen] = useState<Bucket[]>([])
  const [asking, setAsking] = useState<"create" | "empty" | "delete">()
  const done = () => setAsking(undefined)
  const one = chosen[0]?.Name
  const drop = useAct(
    (name: string) => aws(S3Client).send(new DeleteBucketCommand({ Bucket: name })),
    (_, name) => `The bucket ${name} is deleted.`,
  )
  const create = (
    <Button variant="primary" onClick={() => setAsking("create")}>
      Create bucket
    </Button>
  )
  return (
    <>
      <ResourceTable
        title="Buckets"
        headingLevel="h1"
        description="Data sets, model artifacts and what jobs wrote."
        rows={data}
        error={error}
        again={() => void refetch()}
        columns={COLUMNS}
        id={(bucket) => bucket.Name ?? ""}
        sorted={{ id: "name" }}
        selection="single"
        selected={chosen}
        onSelect={setChosen}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={!one} onClick={() => setAsking("empty")}>
              Empty
            </Button>
            <Button disabled={!one} onClick={() => setAsking("delete")}>
              Delete
            </Button>
            {create}
          </SpaceBetween>
        }
        empty={
          <Empty
            title="No buckets yet"
            action={<Button onClick={() => setAsking("create")}>Create your first bucket</Button>}
          >
            A bucket holds files: make one, then drop your data into it.
          </Empty>
        }
      />
      {asking === "create" && <CreateBucket names={(data ?? []).map((has) => has.Name ?? "")} onClose={done} />}
      {asking === "empty" && one && <EmptyBucket bucket={one} onClose={done} />}
      {asking === "delete" && one && (
        <Confirm
          title={`Delete the bucket ${one}?`}
          verb="Delete"
          typed={one}
          busy={drop.isPending}
          error={drop.error}
          onNo={done}
          onYes={() =>
            drop.mutate(one, {
              onSuccess: () => {
                setChosen([])
                done()
              },
            })
          }
        >
          Only an empty bucket can be deleted. Its policy, tags and rules go with it.
        </Confirm>
      )}
    </>
  )
}
