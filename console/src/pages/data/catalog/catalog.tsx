/** The catalog: its databases, and the crawlers that fill it. */
import { CreateDatabaseCommand, type Database, GlueClient } from "@aws-sdk/client-glue"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { useAct, useLive } from "@/aws/live"
import { Dialog } from "@/parts/dialog"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { S3 } from "@/parts/s3"
import { Instant } from "@/parts/time"
import { To } from "@/shell/link"
import { usePage } from "@/shell/title"
import { Crawlers } from "./crawlers"
import { allDatabases } from "./glue"

const COLUMNS: Column<Database>[] = [
  {
    id: "name",
    header: "Database",
    cell: (one) => <To to={`/data/catalog/${one.Name ?? ""}`}>{one.Name}</To>,
    text: (one) => one.Name,
    sortingField: "Name",
    isRowHeader: true,
  },
  { id: "description", header: "Description", cell: (one) => one.Description || "–", text: (one) => one.Description },
  { id: "location", header: "Location", cell: (one) => <S3 uri={one.LocationUri} />, text: (one) => one.LocationUri },
  {
    id: "created",
    header: "Created",
    cell: (one) => <Instant when={one.CreateTime} />,
    text: (one) => one.CreateTime,
    sortingField: "CreateTime",
  },
]

export function Catalog() {
  usePage([{ text: "Catalog", href: "/data/catalog" }])
  const { data, error, refetch } = useLive(["glue", "databases"], allDatabases)
  const [making, setMaking] = useState(false)
  return (
    <SpaceBetween size="l">
      <ResourceTable
        title="Databases"
        headingLevel="h1"
        description="Tables over files in S3, for SQL, Spark and jobs."
        rows={data}
        error={error}
        again={() => void refetch()}
        columns={COLUMNS}
        id={(one) => one.Name ?? ""}
        sorted={{ id: "name" }}
        actions={
          <Button variant="primary" onClick={() => setMaking(true)}>
            Create database
          </Button>
        }
        empty={
          <Empty
            title="No databases yet"
            action={<Button onClick={() => setMaking(true)}>Create your first database</Button>}
          >
            A database holds tables, and tables say how the files in S3 are to be read.
          </Empty>
        }
      />
      <Crawlers />
      {making && <CreateDatabase onClose={() => setMaking(false)} />}
    </SpaceBetween>
  )
}

/** Glue folds names to lower case; the rest is what Athena can name without trouble. */
export const databaseNameProblem = (name: string): string => {
  if (/[A-Z]/.test(name)) return "Names are kept in small letters"
  if (/[^a-z0-9_-]/.test(name)) return "Only letters, digits, _ and -"
  return name.length > 255 ? "At most 255 characters" : ""
}

function CreateDatabase({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("")
  const [description, setDescription] = useState("")
  const navigate = useNavigate()
  const problem = databaseNameProblem(name)
  const make = useAct(
    () =>
      aws(GlueClient).send(
        new CreateDatabaseCommand({
          DatabaseInput: { Name: name, ...(description ? { Description: description } : {}) },
        }),
      ),
    () => `The database ${name} is there.`,
  )
  return (
    <Dialog
      title="Create a database"
      verb="Create"
      busy={make.isPending}
      disabled={name === "" || problem !== ""}
      error={make.error}
      form
      onYes={() => make.mutate(undefined, { onSuccess: () => navigate(`/data/catalog/${name}`) })}
      onNo={onClose}
    >
      <FormField label="Name" errorText={problem}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus spellcheck={false} />
      </FormField>
      <FormField label="Description" description="What its tables are about. Optional.">
        <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
      </FormField>
    </Dialog>
  )
}
