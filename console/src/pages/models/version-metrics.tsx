/** What was measured of a version: the numbers of its quality, its confusion matrix and curves, and every other report. */
import type { MetricsSource } from "@aws-sdk/client-sagemaker"
import Box from "@cloudscape-design/components/box"
import ColumnLayout from "@cloudscape-design/components/column-layout"
import Container from "@cloudscape-design/components/container"
import ExpandableSection from "@cloudscape-design/components/expandable-section"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { Chart } from "@/parts/chart"
import { Json } from "@/parts/copy"
import { Facts } from "@/parts/facts"
import { count, number } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { S3 } from "@/parts/s3"
import { Waiting } from "@/parts/waiting"
import { sourcesOf, useDocument } from "./measured"
import { confusion, curves, type Matrix, measures, ranked, shortNames } from "./metrics"
import type { Version } from "./packages"
import "./models.css"

export function VersionMetrics({ version }: { version: Version }) {
  const sources = sourcesOf(version.ModelMetrics)
  return (
    <Container
      header={
        <Header variant="h2" description="As the evaluation wrote them when this version was registered.">
          Metrics
        </Header>
      }
    >
      {sources.length === 0 ? (
        <Box color="text-body-secondary">
          Nothing was measured. A version has metrics when it is registered with ModelMetrics: a file of numbers in S3.
        </Box>
      ) : (
        <SpaceBetween size="l">
          {sources.map(({ about, source }, at) => (
            <Report key={about} about={about} source={source} first={at === 0} />
          ))}
        </SpaceBetween>
      )}
    </Container>
  )
}

function Report({ about, source, first }: { about: string; source: MetricsSource; first: boolean }) {
  const [open, setOpen] = useState(first)
  return (
    <ExpandableSection
      headerText={about}
      variant="default"
      expanded={open}
      onChange={({ detail }) => setOpen(detail.expanded)}
    >
      {open && <Read source={source} />}
    </ExpandableSection>
  )
}

function Read({ source }: { source: MetricsSource }) {
  const looked = useDocument(source)
  if (looked.error) return <Problem error={looked.error} again={() => void looked.refetch()} />
  if (looked.data === undefined) return <Waiting />
  const found = measures(looked.data)
  const order = ranked([found])
  const names = shortNames(order)
  const matrix = confusion(looked.data)
  const drawn = curves(looked.data)
  return (
    <SpaceBetween size="l">
      {found.length > 0 && (
        <Facts
          facts={order.map((path) => {
            const one = found.find((measure) => measure.path === path)
            return [
              names[path] ?? path,
              <span key={path} className="clary-numbers" title={path}>
                {number(one?.value)}
                {one?.deviation === undefined ? "" : ` ± ${number(one.deviation)}`}
              </span>,
            ]
          })}
        />
      )}
      {(matrix || drawn.length > 0) && (
        <ColumnLayout columns={2}>
          {matrix && <Confusion matrix={matrix} />}
          {drawn.map((one) => (
            <div key={one.title}>
              <Box variant="h3">{one.title}</Box>
              <Chart series={[{ title: one.title, points: one.points }]} label={one.title} x={one.x} y={one.y} />
            </div>
          ))}
        </ColumnLayout>
      )}
      {found.length === 0 && !matrix && <Json value={looked.data} label="Report" />}
      <S3 uri={source.S3Uri} />
    </SpaceBetween>
  )
}

function Confusion({ matrix }: { matrix: Matrix }) {
  return (
    <div>
      <Box variant="h3">Confusion matrix</Box>
      <section className="clary-matrix-scroll" tabIndex={0} aria-label="Confusion matrix">
        <table className="clary-matrix">
          <thead>
            <tr>
              <th scope="col">True, then predicted</th>
              {matrix.labels.map((label) => (
                <th key={label} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {matrix.rows.map((row, truth) => (
              <tr key={matrix.labels[truth]}>
                <th scope="row">{matrix.labels[truth]}</th>
                {row.map((cell, said) => (
                  <td key={matrix.labels[said]} className={truth === said ? "clary-matrix-right" : ""}>
                    {Number.isInteger(cell) ? count(cell) : number(cell)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  )
}
