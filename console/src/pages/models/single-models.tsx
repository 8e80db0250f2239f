/** Models of CreateModel. Those that were made of a version are shown with it; here by default the others. */
import { DescribeModelCommand, ListModelsCommand, type ModelSummary, SageMakerClient } from "@aws-sdk/client-sagemaker"
import Select from "@cloudscape-design/components/select"
import { useState } from "react"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { pageOf } from "@/parts/arn"
import { Empty } from "@/parts/empty"
import { nameOf } from "@/parts/format"
import { ResourceTable } from "@/parts/resource-table"
import { To } from "@/shell/link"
import { createdColumn, nameColumn, servingColumn } from "./columns"
import { remembering } from "./remembered"
import type { Serving } from "./serving"

type Single = { name: string; created: Date | undefined; package: string | undefined; images: string[] }

const sagemaker = () => aws(SageMakerClient)
const remembered = remembering<Single>()

async function models(): Promise<Single[]> {
  const found = await all(
    (NextToken) => sagemaker().send(new ListModelsCommand({ MaxResults: 100, NextToken })),
    (page) => page.Models,
    (page) => page.NextToken,
  )
  const read = await Promise.all(found.map(seen))
  return read.filter((one) => one !== undefined)
}

/** A model never changes: what was read of one holds while it is there. */
const seen = (one: ModelSummary): Promise<Single | undefined> =>
  remembered(`${one.ModelArn} ${one.CreationTime?.getTime()}`, () => described(one))

async function described(one: ModelSummary): Promise<Single> {
  const said = await sagemaker().send(new DescribeModelCommand({ ModelName: one.ModelName }))
  const containers = [...(said.PrimaryContainer ? [said.PrimaryContainer] : []), ...(said.Containers ?? [])]
  return {
    name: one.ModelName ?? "",
    created: one.CreationTime,
    package: containers.find((container) => container.ModelPackageName)?.ModelPackageName,
    images: containers.flatMap((container) => (container.Image ? [nameOf(container.Image)] : [])),
  }
}

const WHICH = [
  { value: "own", label: "In no group" },
  { value: "all", label: "All models" },
]

export function SingleModels({ serving }: { serving: readonly Serving[] }) {
  const looked = useLive(["models", "single"], models)
  const [which, setWhich] = useState("own")
  const rows = looked.data?.filter((one) => which === "all" || one.package === undefined)
  const serves = (name: string) => serving.filter((one) => one.variants.some((variant) => variant.model === name))
  const hidden = (looked.data?.length ?? 0) - (rows?.length ?? 0)
  return (
    <ResourceTable<Single>
      title={which === "all" ? "All models" : "Models in no group"}
      description={
        hidden > 0
          ? `${hidden} more ${hidden === 1 ? "model was" : "models were"} made of versions in groups.`
          : "Made by CreateModel, without the registry."
      }
      param="model"
      rows={rows}
      error={looked.error}
      again={() => void looked.refetch()}
      id={(one) => one.name}
      sorted={{ id: "created", descending: true }}
      actions={
        <Select
          ariaLabel="Which models"
          options={WHICH}
          selectedOption={WHICH.find((one) => one.value === which) ?? null}
          onChange={({ detail }) => setWhich(detail.selectedOption.value ?? "own")}
        />
      }
      columns={[
        nameColumn((one) => `/models/single/${one.name}`),
        {
          id: "of",
          header: "Made of",
          cell: (one) => <MadeOf model={one} />,
          text: (one) => one.package?.split(":model-package/")[1] ?? one.images.join(", "),
          sortingField: "of",
        },
        servingColumn((one) => serves(one.name)),
        createdColumn(),
      ]}
      empty={
        <Empty title={hidden > 0 ? "Every model belongs to a group" : "No models of their own"}>
          {hidden > 0
            ? "They are shown with the versions they were made of."
            : "model.deploy() of the SDK, or a pipeline's CreateModel step, makes one from model data and an image."}
        </Empty>
      }
    />
  )
}

function MadeOf({ model }: { model: Single }) {
  if (model.package === undefined) return <>{model.images.join(", ") || "–"}</>
  const page = pageOf(model.package)
  const called = model.package.split(":model-package/")[1] ?? model.package
  return page ? <To to={page}>{called}</To> : called
}
