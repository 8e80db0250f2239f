/** /models: the groups of the registry, and the models that are in none. */
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { To } from "@/shell/link"
import { usePage } from "@/shell/title"
import { Approval } from "./approval"
import { createdColumn, nameColumn, servingColumn } from "./columns"
import { type Group, PENDING, type Summary, useRegistry, versionPath } from "./packages"
import { type Serving, servesPackage, useServing } from "./serving"
import { SingleModels } from "./single-models"
import "./models.css"

export function Models() {
  usePage([{ text: "Models", href: "/models" }])
  const registry = useRegistry()
  const serving = useServing()
  const served = serving.data ?? []
  const alone = registry.data?.alone ?? []
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description="What was trained, which version is approved, and where it serves.">
        Models
      </Header>
      <ResourceTable<Group>
        title="Model groups"
        description="A group holds the versions of one model."
        rows={registry.data?.groups}
        error={registry.error}
        again={() => void registry.refetch()}
        id={(one) => one.name}
        sorted={{ id: "latest", descending: true }}
        columns={[
          nameColumn(
            (one) => `/models/${one.name}`,
            (one) => `${one.name} ${one.description}`,
          ),
          {
            id: "versions",
            header: "Versions",
            cell: (one) => one.versions.length,
            text: (one) => one.versions.length,
            sortingField: "versions",
          },
          {
            id: "latest",
            header: "Latest version",
            cell: (one) => <Latest version={one.versions[0]} />,
            text: (one) => one.versions[0]?.created ?? one.created,
            sortingField: "latest",
          },
          {
            id: "waiting",
            header: "Waiting",
            cell: (one) => one.versions.filter((version) => version.approval === PENDING).length || "–",
            text: (one) => one.versions.filter((version) => version.approval === PENDING).length,
            sortingField: "waiting",
          },
          servingColumn((one) => servesGroup(served, one.versions), {
            group: (one) => one.name,
            unknown: serving.error !== null,
          }),
          createdColumn(),
        ]}
        empty={
          <Empty title="No model groups yet" action={<To to="/examples">Start an example</To>}>
            A pipeline's step, or register() of the SDK, puts versions of a model into a group. An example makes one in
            seconds.
          </Empty>
        }
      />
      {alone.length > 0 && <Alone packages={alone} serving={served} />}
      <SingleModels serving={served} />
    </SpaceBetween>
  )
}

const servesGroup = (serving: readonly Serving[], versions: readonly Summary[]): Serving[] =>
  serving.filter((one) => versions.some((version) => servesPackage([one], version.arn).length))

function Latest({ version }: { version: Summary | undefined }) {
  if (!version) return <>–</>
  return (
    <span className="clary-latest">
      <To to={versionPath(version.group, version.version)}>{`Version ${version.version}`}</To>
      <Approval status={version.approval} />
    </span>
  )
}

function Alone({ packages, serving }: { packages: Summary[]; serving: readonly Serving[] }) {
  return (
    <ResourceTable<Summary>
      title="Packages without a group"
      param="packages"
      rows={packages}
      id={(one) => one.arn}
      columns={[
        nameColumn((one) => `/models/package/${one.name}`),
        servingColumn((one) => servesPackage(serving, one.arn)),
        createdColumn(),
      ]}
      empty={<Empty title="No packages without a group" />}
    />
  )
}
