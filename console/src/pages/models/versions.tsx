/** The versions of a group, with the metrics that they have. */
import Badge from "@cloudscape-design/components/badge"
import Button from "@cloudscape-design/components/button"
import Multiselect from "@cloudscape-design/components/multiselect"
import Select from "@cloudscape-design/components/select"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useEffect, useState } from "react"
import { useSearchParams } from "react-router"
import { identity } from "@/parts/arn"
import { Empty } from "@/parts/empty"
import { number, words } from "@/parts/format"
import { type Column, ResourceTable } from "@/parts/resource-table"
import { Ago } from "@/parts/time"
import { To } from "@/shell/link"
import { Approval } from "./approval"
import { useMeasured } from "./measured"
import { bestOf, better, type Measure, ranked, shortNames } from "./metrics"
import { type Version, versionPath } from "./packages"
import { directionByRules, type Rule } from "./rules"
import { Served } from "./served"
import { type Serving, servesPackage } from "./serving"
import "./models.css"

type Props = {
  group: string
  versions: Version[] | undefined
  error: unknown
  again: () => void
  serving: readonly Serving[] | undefined
  aliases: readonly { name: string; version: number }[]
  rules: readonly Rule[]
  compared: readonly number[]
  onCompare: (versions: number[]) => void
}

type Row = Version & { measured: Map<string, Measure> }
/** As many metrics as are shown before anybody chose. */
const AT_FIRST = 3
const ANY = { value: "", label: "Any state" }

export function Versions({ group, versions, serving, aliases, rules, compared, onCompare, ...read }: Props) {
  const [params, setParams] = useSearchParams()
  const [chosen, setChosen] = useState<Row[]>([])
  const measured = useMeasured(versions ?? [])
  const all: Row[] | undefined = versions?.map((one, at) => ({
    ...one,
    measured: new Map(measured[at]?.measures.map((measure) => [measure.path, measure])),
  }))
  const paths = ranked(measured.map((one) => one.measures))
  const names = shortNames(paths)
  const state = params.get("state") ?? ""
  const set = (name: string, value: string) =>
    setParams(
      (now) => {
        if (value) now.set(name, value)
        else now.delete(name)
        return now
      },
      { replace: true },
    )
  const asked = params.get("metrics")
  const shown = asked === null ? paths.slice(0, AT_FIRST) : paths.filter((one) => asked.split(",").includes(one))
  const rows = all?.filter((one) => !state || one.ModelApprovalStatus === state)
  const best = new Map<string, Set<number>>()
  for (const path of shown) {
    const values = (rows ?? []).map((one) => one.measured.get(path)?.value)
    best.set(path, bestOf(values, directionByRules(path, rules) ?? better(path)))
  }
  // A deep link to a comparison has its rows chosen.
  const linked = compared.join(",")
  const there = all !== undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are chosen again when the link or their being there changes
  useEffect(() => {
    setChosen((all ?? []).filter((one) => linked.split(",").includes(String(one.ModelPackageVersion))))
  }, [linked, there])
  const states = [...new Set((versions ?? []).map((one) => one.ModelApprovalStatus ?? ""))].filter(Boolean).sort()
  const options = [ANY, ...states.map((value) => ({ value, label: words(value) }))]
  const picked = chosen.map((one) => one.ModelPackageVersion ?? 0)
  const columns: Column<Row>[] = [
    {
      id: "version",
      header: "Version",
      cell: (one) => <Named group={group} version={one} aliases={aliases} />,
      text: (one) => one.ModelPackageVersion,
      sortingField: "version",
      isRowHeader: true,
    },
    {
      id: "approval",
      header: "Approval",
      cell: (one) => <Approval status={one.ModelApprovalStatus} />,
      text: (one) => words(one.ModelApprovalStatus),
      sortingField: "approval",
    },
    ...shown.map(
      (path): Column<Row> => ({
        id: path,
        header: names[path] ?? path,
        cell: (one) => {
          const measure = one.measured.get(path)
          const at = (rows ?? []).findIndex((other) => other.ModelPackageArn === one.ModelPackageArn)
          return best.get(path)?.has(at) ? (
            <Best value={measure?.value} />
          ) : (
            <span className="clary-numbers">{number(measure?.value)}</span>
          )
        },
        text: (one) => one.measured.get(path)?.value,
        sortingField: path,
      }),
    ),
    {
      id: "serving",
      header: "In service",
      cell: (one) => (serving ? <Served serving={servesPackage(serving, one.ModelPackageArn)} /> : "–"),
      text: (one) =>
        servesPackage(serving ?? [], one.ModelPackageArn)
          .map((endpoint) => endpoint.endpoint)
          .join(" "),
      sortingField: "serving",
    },
    {
      id: "stage",
      header: "Life cycle",
      cell: (one) => stageOf(one),
      text: (one) => stageOf(one),
      sortingField: "stage",
    },
    {
      id: "created",
      header: "Created",
      cell: (one) => <Ago when={one.CreationTime} />,
      text: (one) => one.CreationTime,
      sortingField: "created",
    },
    {
      id: "by",
      header: "By",
      cell: (one) => <span className="clary-by">{identity(one.CreatedBy?.IamIdentity?.Arn)}</span>,
      text: (one) => identity(one.CreatedBy?.IamIdentity?.Arn),
      sortingField: "by",
    },
  ]
  return (
    <ResourceTable<Row>
      title="Versions"
      rows={rows}
      error={read.error}
      again={read.again}
      id={(one) => one.ModelPackageArn}
      columns={columns.filter(
        (one) => one.id !== "stage" || (versions ?? []).some((version) => version.ModelLifeCycle),
      )}
      sorted={{ id: "version", descending: true }}
      selection="multi"
      called={(one) => `version ${one.ModelPackageVersion}`}
      selected={(rows ?? []).filter((one) => picked.includes(one.ModelPackageVersion ?? 0))}
      onSelect={setChosen}
      filters={
        <>
          <Select
            ariaLabel="State of approval"
            options={options}
            selectedOption={options.find((one) => one.value === state) ?? ANY}
            onChange={({ detail }) => set("state", detail.selectedOption.value ?? "")}
          />
          {paths.length > AT_FIRST && (
            <Multiselect
              ariaLabel="Metrics that are shown"
              placeholder={`Metrics (${shown.length} of ${paths.length})`}
              hideTokens
              filteringType={paths.length > 8 ? "auto" : "none"}
              options={paths.map((value) => ({ value, label: names[value] ?? value }))}
              selectedOptions={shown.map((value) => ({ value, label: names[value] ?? value }))}
              onChange={({ detail }) =>
                set("metrics", detail.selectedOptions.map((one) => one.value ?? "").join(",") || "none")
              }
            />
          )}
        </>
      }
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            disabled={chosen.length < 2}
            disabledReason="Choose two versions or more."
            onClick={() => onCompare([...picked].sort((a, b) => a - b))}
          >
            Compare
          </Button>
        </SpaceBetween>
      }
      empty={
        <Empty title={state ? "No version in that state" : "No versions yet"}>
          {state
            ? "Choose another state above."
            : "A pipeline's RegisterModel step, or register() of the SDK with this group's name, adds one."}
        </Empty>
      }
    />
  )
}

const stageOf = (one: Version): string =>
  one.ModelLifeCycle ? `${one.ModelLifeCycle.Stage} · ${words(one.ModelLifeCycle.StageStatus)}` : ""

type NamedProps = { group: string; version: Version; aliases: readonly { name: string; version: number }[] }

function Named({ group, version, aliases }: NamedProps) {
  const number = version.ModelPackageVersion ?? 0
  return (
    <span className="clary-latest">
      <To to={versionPath(group, number)}>{`Version ${number}`}</To>
      {aliases
        .filter((one) => one.version === number)
        .map((one) => (
          <Badge key={one.name} color="blue">
            {one.name}
          </Badge>
        ))}
    </span>
  )
}

/** The best of its row or column: bold, and said. */
export function Best({ value }: { value: number | undefined }) {
  return (
    <span className="clary-best clary-numbers clary-nowrap">
      {number(value)} <Badge color="green">best</Badge>
    </span>
  )
}
