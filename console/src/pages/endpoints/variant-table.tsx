/** The variants of an endpoint: what serves what part of the traffic. */
import Box from "@cloudscape-design/components/box"
import { Empty } from "@/parts/empty"
import { count, number, percent } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { To } from "@/shell/link"
import { useModels } from "./read"
import { type Variant, versionPage } from "./variants"

type Packages = ReadonlyMap<string, string | undefined>

const pair = (now: number | undefined, wanted: number | undefined, say: (value: number | undefined) => string) =>
  wanted === undefined || now === wanted ? say(now) : `${say(now)} → ${say(wanted)}`

function Model({ name, packages }: { name: string | undefined; packages: Packages }) {
  if (!name) return <>–</>
  const version = versionPage(packages.get(name))
  return (
    <>
      <To to={version?.to ?? `/models/single/${encodeURIComponent(name)}`}>{version?.text ?? name}</To>
      {version && (
        <Box variant="small" color="text-body-secondary" display="block">
          {name}
        </Box>
      )}
    </>
  )
}

const SERVES = { compiled: "Compiled graph", containers: "Containers" }

const columns = (packages: Packages): Column<Variant>[] => [
  {
    id: "name",
    header: "Variant",
    cell: (one) => (
      <>
        {one.name}
        {one.shadow && (
          <Box variant="small" color="text-body-secondary" display="block">
            Shadow: sees copies
          </Box>
        )}
      </>
    ),
    isRowHeader: true,
  },
  { id: "model", header: "Model", cell: (one) => <Model name={one.model} packages={packages} /> },
  {
    id: "share",
    header: "Traffic",
    cell: (one) => (
      <>
        <span className="clary-share">
          <span className="clary-share-bar" aria-hidden="true">
            <span style={{ width: `${(one.share ?? 0) * 100}%` }} />
          </span>
          <b className="clary-numbers">{percent(one.share)}</b>
        </span>
        <Box variant="small" color="text-body-secondary" display="block">
          weight {pair(one.weight.now, one.weight.wanted, number)}
        </Box>
      </>
    ),
  },
  {
    id: "instances",
    header: "Instances",
    cell: (one) => (
      <>
        {pair(one.instances.now, one.instances.wanted, count)}
        <Box variant="small" color="text-body-secondary" display="block">
          {one.instance || "–"}
        </Box>
      </>
    ),
  },
  {
    id: "serves",
    header: "Served by",
    cell: (one) => (
      <>
        {one.serves ? SERVES[one.serves] : "–"}
        {one.images.map((image) => (
          <Box key={image} variant="small" color="text-body-secondary" display="block">
            <span title={image}>{short(image)}</span>
          </Box>
        ))}
      </>
    ),
  },
  {
    id: "stage",
    header: "Stage",
    cell: (one) =>
      one.stage ? (
        <>
          <Status status={one.stage.status} />
          <Box variant="small" color="text-body-secondary" display="block">
            {one.stage.message}
          </Box>
        </>
      ) : (
        "–"
      ),
  },
]

/** The last part of an image, and of a digest as much as tells it apart. */
export const short = (image: string): string =>
  (image.split("/").at(-1) ?? image).replace(/^compiled@sha256:([0-9a-f]{12})[0-9a-f]+$/, "$1")

type Props = { variants: Variant[]; title: string; description?: string }

export function VariantTable({ variants, title, description }: Props) {
  const models = useModels([...new Set(variants.flatMap((one) => one.model ?? []))])
  const packages = new Map((models.data ?? []).map((one) => [one.name, one.package]))
  const staged = variants.some((one) => one.stage)
  return (
    <ResourceTable<Variant>
      title={title}
      description={description}
      rows={variants}
      columns={columns(packages).filter((one) => staged || one.id !== "stage")}
      id={(one) => `${one.name}${one.shadow ? " (shadow)" : ""}`}
      wrap
      noFilter
      empty={<Empty title="No variant serves yet">They are shown as soon as the first deployment begins.</Empty>}
    />
  )
}
