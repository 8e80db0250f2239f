/** The same lineage as a table, in the order of its arrows: for phones, screen readers, and whoever wants it all. */
import { pageOf } from "@/parts/arn"
import { Empty } from "@/parts/empty"
import { ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { To } from "@/shell/link"
import { calledOf, type Entity, inOrder, type Lineage, placeOf, titleOf } from "./graph"

export function LineageList({ lineage, arn }: { lineage: Lineage; arn: string }) {
  const rows = inOrder(lineage)
  const by = new Map(rows.map((one) => [one.arn, one]))
  const called = (id: string) => {
    const one = by.get(id)
    return one ? `${titleOf(one).toLowerCase()} ${calledOf(one)}` : ""
  }
  const madeOf = (one: Entity) =>
    lineage.edges
      .filter((edge) => edge.target === one.arn)
      .map((edge) => called(edge.source))
      .filter(Boolean)
      .join(", ")
  return (
    <ResourceTable<Entity>
      title="From data to endpoint"
      headingLevel="h3"
      variant="borderless"
      param="lineage"
      rows={rows}
      pageSize={50}
      id={(one) => one.arn}
      columns={[
        {
          id: "what",
          header: "What",
          cell: (one) => titleOf(one),
          text: (one) => titleOf(one),
        },
        {
          id: "name",
          header: "Name",
          cell: (one) => <Name entity={one} here={one.source === arn && one.kind === "Artifact"} />,
          text: (one) => `${calledOf(one)} ${one.source}`,
          isRowHeader: true,
        },
        {
          id: "status",
          header: "State",
          cell: (one) =>
            one.status ? (
              <Status status={one.status} />
            ) : (
              <span title={one.state}>{one.state.slice(0, 28) || "–"}</span>
            ),
          text: (one) => one.status || one.state,
        },
        {
          id: "of",
          header: "Made of",
          cell: (one) => <span className="clary-wrap">{madeOf(one) || "–"}</span>,
          text: madeOf,
        },
      ]}
      empty={<Empty title="Nothing is known of it" />}
    />
  )
}

function Name({ entity, here }: { entity: Entity; here: boolean }) {
  const place = placeOf(entity) ?? pageOf(entity.source)
  const said = (
    <span className="clary-break" title={entity.source}>
      {calledOf(entity)}
    </span>
  )
  return (
    <span className="clary-wrap">
      {place && !here ? <To to={place}>{said}</To> : said}
      {here && " · this one"}
    </span>
  )
}
