/** Named queries: kept in Athena, for everybody of the work group. */
import {
  AthenaClient,
  BatchGetNamedQueryCommand,
  CreateNamedQueryCommand,
  DeleteNamedQueryCommand,
  ListNamedQueriesCommand,
  type NamedQuery,
} from "@aws-sdk/client-athena"
import Button from "@cloudscape-design/components/button"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useAct, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { Confirm } from "@/parts/confirm"
import { Dialog } from "@/parts/dialog"
import { Empty } from "@/parts/empty"
import { type Column, ResourceTable } from "@/parts/resource-table"
import type { Places } from "./places"

const BATCH = 50

async function namedQueries(workGroup: string): Promise<NamedQuery[]> {
  const ids = await all(
    (token) =>
      aws(AthenaClient).send(new ListNamedQueriesCommand({ WorkGroup: workGroup, NextToken: token, MaxResults: 50 })),
    (page) => page.NamedQueryIds,
    (page) => page.NextToken,
  )
  const batches = Array.from({ length: Math.ceil(ids.length / BATCH) }, (_, at) =>
    ids.slice(at * BATCH, (at + 1) * BATCH),
  )
  const answers = await Promise.all(
    batches.map((batch) => aws(AthenaClient).send(new BatchGetNamedQueryCommand({ NamedQueryIds: batch }))),
  )
  return answers.flatMap((one) => one.NamedQueries ?? [])
}

type Props = { workGroup: string; onOpen: (sql: string, database: string | undefined) => void }

export function Saved({ workGroup, onOpen }: Props) {
  const { data, error, refetch } = useLive(["athena", "named", workGroup], () => namedQueries(workGroup))
  const [leaving, setLeaving] = useState<NamedQuery>()
  const drop = useAct(
    (one: NamedQuery) => aws(AthenaClient).send(new DeleteNamedQueryCommand({ NamedQueryId: one.NamedQueryId })),
    (_, one) => `${one.Name} is deleted.`,
  )
  const columns: Column<NamedQuery>[] = [
    {
      id: "name",
      header: "Name",
      cell: (one) => one.Name,
      text: (one) => one.Name,
      sortingField: "Name",
      isRowHeader: true,
    },
    { id: "description", header: "Description", cell: (one) => one.Description || "–", text: (one) => one.Description },
    {
      id: "database",
      header: "Database",
      cell: (one) => one.Database,
      text: (one) => one.Database,
      sortingField: "Database",
    },
    {
      id: "sql",
      header: "Statement",
      cell: (one) => (
        <div className="clary-statement" title={one.QueryString}>
          {one.QueryString?.replace(/\s+/g, " ")}
        </div>
      ),
      text: (one) => one.QueryString,
    },
    {
      id: "do",
      header: "Actions",
      cell: (one) => (
        <span className="clary-inline">
          <Button
            variant="inline-link"
            ariaLabel={`Open ${one.Name}`}
            onClick={() => onOpen(one.QueryString ?? "", one.Database)}
          >
            Open
          </Button>
          <Button variant="inline-link" ariaLabel={`Delete ${one.Name}`} onClick={() => setLeaving(one)}>
            Delete
          </Button>
        </span>
      ),
    },
  ]
  return (
    <>
      <ResourceTable
        title="Saved queries"
        param="saved"
        rows={data}
        error={error}
        again={() => void refetch()}
        columns={columns}
        id={(one) => one.NamedQueryId ?? ""}
        sorted={{ id: "name" }}
        empty={
          <Empty title="Nothing saved yet">Write a statement and choose Save: it stays here under its name.</Empty>
        }
      />
      {leaving && (
        <Confirm
          title={`Delete the query ${leaving.Name}?`}
          verb="Delete"
          busy={drop.isPending}
          error={drop.error}
          onNo={() => setLeaving(undefined)}
          onYes={() => drop.mutate(leaving, { onSuccess: () => setLeaving(undefined) })}
        >
          Everybody of the work group loses it.
        </Confirm>
      )}
    </>
  )
}

export function SaveQuery({ sql, places, onClose }: { sql: string; places: Places; onClose: () => void }) {
  const [name, setName] = useState("")
  const [description, setDescription] = useState("")
  const make = useAct(
    () =>
      aws(AthenaClient).send(
        new CreateNamedQueryCommand({
          Name: name.trim(),
          Database: places.database,
          WorkGroup: places.workGroup,
          QueryString: sql,
          ...(description ? { Description: description } : {}),
        }),
      ),
    () => `${name.trim()} is saved.`,
  )
  return (
    <Dialog
      title="Save the query"
      verb="Save"
      busy={make.isPending}
      disabled={!name.trim()}
      error={make.error}
      form
      onYes={() => make.mutate(undefined, { onSuccess: onClose })}
      onNo={onClose}
    >
      <FormField label="Name">
        <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus />
      </FormField>
      <FormField label="Description" description="Optional.">
        <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
      </FormField>
    </Dialog>
  )
}
