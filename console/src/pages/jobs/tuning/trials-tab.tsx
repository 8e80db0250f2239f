/** The training jobs of a tuning job: both drawings, and the table of them. What is pointed at in one is seen in all. */
import type { DescribeHyperParameterTuningJobResponse } from "@aws-sdk/client-sagemaker"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { Empty } from "@/parts/empty"
import { number } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Status } from "@/parts/status"
import { Took } from "@/parts/time"
import { To } from "@/shell/link"
import { Objective } from "./objective"
import { Parallel } from "./parallel"
import { rangesOf } from "./ranges"
import { type Axis, axes as axesOf } from "./scales"
import { type Direction, objectiveOf, type Trial } from "./trials"

type Props = {
  job: DescribeHyperParameterTuningJobResponse
  trials: Trial[] | undefined
  error: unknown
  again: () => void
  live: boolean
}

const numeric = (value: string | undefined) =>
  value !== undefined && value !== "" && Number.isFinite(Number(value)) ? Number(value) : value

function columns(axes: readonly Axis[], metric: string, several: boolean, descending: boolean): Column<Trial>[] {
  return [
    {
      id: "name",
      header: "Training job",
      isRowHeader: true,
      cell: (one) => <To to={`/jobs/training/${one.name}`}>{one.name}</To>,
      text: (one) => one.name,
    },
    { id: "status", header: "Status", cell: (one) => <Status status={one.status} />, text: (one) => one.status },
    {
      id: "objective",
      header: metric,
      cell: (one) => <span className="clary-numbers">{number(one.objective)}</span>,
      // Who told none comes last.
      text: (one) => one.objective ?? (descending ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY),
    },
    ...axes.map(
      (axis): Column<Trial> => ({
        id: `param-${axis.name}`,
        header: axis.name,
        cell: (one) => {
          const value = numeric(one.params[axis.name])
          return (
            <span className="clary-numbers" title={one.params[axis.name]}>
              {typeof value === "number" ? number(value) : (value ?? "–")}
            </span>
          )
        },
        text: (one) => numeric(one.params[axis.name]),
      }),
    ),
    ...(several
      ? [
          {
            id: "definition",
            header: "Definition",
            cell: (one: Trial) => one.definition ?? "–",
            text: (one: Trial) => one.definition,
          },
        ]
      : []),
    {
      id: "took",
      header: "Duration",
      cell: (one) => (one.started ? <Took from={one.started} to={one.ended} /> : "–"),
      text: (one) => (one.started && one.ended ? one.ended.getTime() - one.started.getTime() : undefined),
    },
  ]
}

export function Trials({ job, trials, error, again, live }: Props) {
  const [seen, setSeen] = useState<string | null>(null)
  const objective = objectiveOf(job)
  const metric = objective?.MetricName ?? "Objective"
  const direction: Direction = objective?.Type === "Maximize" ? "Maximize" : "Minimize"
  const axes = axesOf(rangesOf(job))
  const told = (trials ?? []).filter((one) => one.objective !== undefined)
  const pointed = told.find((one) => one.name === seen)
  return (
    <SpaceBetween size="l">
      {trials !== undefined && (
        <Container
          header={
            <Header
              description={`${direction === "Minimize" ? "Lower" : "Higher"} is better; the line is the best so far`}
            >
              {metric} over time
            </Header>
          }
        >
          {told.length ? (
            <Objective trials={trials} direction={direction} metric={metric} seen={seen} onSee={setSeen} />
          ) : (
            <Empty title={live ? "No training job has told it yet" : "No training job told it"} />
          )}
        </Container>
      )}
      {told.length > 0 && axes.length > 0 && (
        <Container
          header={
            <Header description="A line is a training job; point at it, or go with the arrow keys">
              Hyperparameters
            </Header>
          }
        >
          <Parallel
            trials={told}
            axes={axes}
            direction={direction}
            metric={metric}
            seen={seen}
            onSee={setSeen}
            said={pointed && <Pointed trial={pointed} metric={metric} />}
          />
        </Container>
      )}
      <ResourceTable
        title="Training jobs"
        rows={trials}
        error={error}
        again={again}
        columns={columns(axes, metric, (job.TrainingJobDefinitions?.length ?? 0) > 1, direction === "Maximize")}
        id={(one) => one.name}
        sorted={{ id: "objective", descending: direction === "Maximize" }}
        empty={
          <Empty title={live ? "The first training job is being chosen" : "It made no training job"}>
            {live ? "It appears here as soon as it is made." : undefined}
          </Empty>
        }
      />
    </SpaceBetween>
  )
}

function Pointed({ trial, metric }: { trial: Trial; metric: string }) {
  const told = Object.entries(trial.params).map(([name, value]) => `${name} ${value}`)
  return (
    <>
      <b>{trial.name}</b> · {metric} {number(trial.objective)} · {told.join(" · ")}
    </>
  )
}
