/** What a condition compares, in words, with the values that it saw where they can be known. */
import Box from "@cloudscape-design/components/box"
import { useQuery } from "@tanstack/react-query"
import { Problem } from "@/parts/problem"
import type { Definition, Step } from "./definition"
import { conditionLines, type Known, knownOf } from "./expressions"
import { reportsOf } from "./metrics"
import type { Typed } from "./parameters"
import type { States } from "./state"

type Props = { step: Step; definition: Definition; states: States; parameters: Typed }

export function ConditionPanel({ step, definition, states, parameters }: Props) {
  const state = states.get(step.name)
  const reads = definition.steps.filter((one) => step.reads.includes(one.name) && one.files.length)
  const { data: files, error } = useQuery({
    queryKey: ["pipelines", "condition", step.name, reads.map((one) => states.get(one.name)?.listed?.Metadata)],
    queryFn: async (): Promise<Known["files"]> => {
      const found = await Promise.all(
        reads.map(async (one) =>
          (await reportsOf(one, states.get(one.name)?.listed)).map((report): [string, unknown] => [
            `${one.name}/${report.name}`,
            report.document,
          ]),
        ),
      )
      return new Map(found.flat())
    },
    enabled: state?.listed !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const lines = conditionLines(step.arguments.Conditions, knownOf(definition, parameters, files))
  return (
    <div>
      <Box variant="h3" padding={{ bottom: "xs" }}>
        {lines.length > 1 ? "All of these must hold" : "What it asks"}
      </Box>
      {error && <Problem error={error} header="The values that it read cannot be shown" />}
      <ul className="clary-conditions">
        {lines.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
      {state?.outcome && (
        <Box>
          The answer was <b>{state.outcome.toLowerCase()}</b>.
        </Box>
      )}
    </div>
  )
}
