/** What the pages of pipelines read. Keys begin with "pipelines"; what is over is not asked for again and again. */
import {
  DescribePipelineCommand,
  DescribePipelineDefinitionForExecutionCommand,
  DescribePipelineExecutionCommand,
  ListPipelineExecutionStepsCommand,
  ListPipelineExecutionsCommand,
  ListPipelineParametersForExecutionCommand,
  ListPipelinesCommand,
  ListPipelineVersionsCommand,
  type PipelineExecutionStep,
  type PipelineExecutionSummary,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import { useQuery } from "@tanstack/react-query"
import { aws } from "@/aws/client"
import { FAST_MS, SLOW_MS, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { readDefinition } from "./definition"
import type { Typed } from "./parameters"
import { isOver } from "./state"

const sagemaker = () => aws(SageMakerClient)
/** Of one pipeline, the newest: what a list can show at all. */
export const MOST_EXECUTIONS = 500

export const executionAt = (pipeline: string, arn: string | undefined): string =>
  `/pipelines/${pipeline}/executions/${(arn ?? "").split("/").at(-1)}`

/** The pipeline of an execution's ARN. */
export const pipelineOf = (arn: string): string => /:pipeline\/([^/]+)\/execution\//.exec(arn)?.[1] ?? ""

export function usePipelines() {
  return useLive(["pipelines", "list"], () =>
    all(
      (NextToken) => sagemaker().send(new ListPipelinesCommand({ NextToken, MaxResults: 100 })),
      (page) => page.PipelineSummaries,
      (page) => page.NextToken,
    ),
  )
}

/** The latest execution of each of these pipelines. */
export function useLatest(names: readonly string[]) {
  return useLive(
    ["pipelines", "latest", names],
    async () => {
      const ask = (PipelineName: string) =>
        sagemaker().send(new ListPipelineExecutionsCommand({ PipelineName, MaxResults: 1 }))
      const found = await Promise.allSettled(names.map(ask))
      // One that was deleted between the list and this look has none; it is gone from the next list.
      return new Map(
        found.flatMap((one, at): [string, PipelineExecutionSummary][] => {
          const latest = one.status === "fulfilled" ? one.value.PipelineExecutionSummaries?.[0] : undefined
          return latest ? [[names[at] ?? "", latest]] : []
        }),
      )
    },
    {
      enabled: names.length > 0,
      every: (seen) =>
        [...(seen?.values() ?? [])].every(({ PipelineExecutionStatus: s }) => isOver(s)) ? SLOW_MS : 2 * FAST_MS,
    },
  )
}

export const describePipeline = async (PipelineName: string, PipelineVersionId?: number) => {
  const said = await sagemaker().send(
    new DescribePipelineCommand({ PipelineName, ...(PipelineVersionId ? { PipelineVersionId } : {}) }),
  )
  return { ...said, definition: readDefinition(said.PipelineDefinition ?? "{}") }
}

export function usePipeline(name: string, version?: number, every: number | false = SLOW_MS) {
  return useLive(["pipelines", "one", name, version ?? null], () => describePipeline(name, version), {
    every,
    enabled: name !== "",
  })
}

export function useVersions(name: string) {
  return useLive(["pipelines", "versions", name], () =>
    all(
      (NextToken) =>
        sagemaker().send(new ListPipelineVersionsCommand({ PipelineName: name, NextToken, MaxResults: 100 })),
      (page) => page.PipelineVersionSummaries,
      (page) => page.NextToken,
    ),
  )
}

export function useExecutions(name: string) {
  return useLive(
    ["pipelines", "executions", name],
    () =>
      all(
        (NextToken) =>
          sagemaker().send(new ListPipelineExecutionsCommand({ PipelineName: name, NextToken, MaxResults: 100 })),
        (page) => page.PipelineExecutionSummaries,
        (page) => page.NextToken,
        MOST_EXECUTIONS,
      ),
    {
      enabled: name !== "",
      every: (seen) => (seen?.some((one) => !isOver(one.PipelineExecutionStatus)) ? FAST_MS : SLOW_MS),
    },
  )
}

export const stepsOf = (PipelineExecutionArn: string): Promise<PipelineExecutionStep[]> =>
  all(
    (NextToken) =>
      sagemaker().send(
        new ListPipelineExecutionStepsCommand({
          PipelineExecutionArn,
          NextToken,
          MaxResults: 100,
          SortOrder: "Ascending",
        }),
      ),
    (page) => page.PipelineExecutionSteps,
    (page) => page.NextToken,
  )

export const parametersOf = async (PipelineExecutionArn: string): Promise<Typed> => {
  const listed = await all(
    (NextToken) =>
      sagemaker().send(
        new ListPipelineParametersForExecutionCommand({ PipelineExecutionArn, NextToken, MaxResults: 100 }),
      ),
    (page) => page.PipelineParameters,
    (page) => page.NextToken,
  )
  return Object.fromEntries(listed.map((one) => [one.Name ?? "", one.Value ?? ""]))
}

/** The execution with its steps, in one look. The steps are read last: none is missing of an execution that is over. */
export function useExecution(arn: string) {
  return useLive(
    ["pipelines", "execution", arn],
    async () => {
      const said = await sagemaker().send(new DescribePipelineExecutionCommand({ PipelineExecutionArn: arn }))
      return { ...said, steps: await stepsOf(arn) }
    },
    {
      enabled: arn !== "",
      every: (seen) => (seen && isOver(seen.PipelineExecutionStatus) ? SLOW_MS : FAST_MS),
    },
  )
}

export function useParameters(arn: string) {
  return useQuery({
    queryKey: ["pipelines", "parameters", arn],
    queryFn: () => parametersOf(arn),
    enabled: arn !== "",
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** The definition that the execution follows: that of its version, which never changes. */
export function useDefinition(arn: string) {
  return useQuery({
    queryKey: ["pipelines", "definition", arn],
    queryFn: async () => {
      const said = await sagemaker().send(
        new DescribePipelineDefinitionForExecutionCommand({ PipelineExecutionArn: arn }),
      )
      const text = said.PipelineDefinition ?? "{}"
      return { text, definition: readDefinition(text) }
    },
    enabled: arn !== "",
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** What a row of the list of executions tells beside its summary. A status that changes is a new key. */
export function useDetails(arn: string, status: string | undefined) {
  return useQuery({
    queryKey: ["pipelines", "details", arn, status],
    queryFn: async () => {
      const [said, steps] = await Promise.all([
        sagemaker().send(new DescribePipelineExecutionCommand({ PipelineExecutionArn: arn })),
        stepsOf(arn),
      ])
      return { ...said, steps }
    },
    staleTime: isOver(status) ? Number.POSITIVE_INFINITY : 0,
    refetchInterval: isOver(status) ? false : 2 * FAST_MS,
  })
}

/** "arn:aws:iam::1:user/mia" -> mia; a role's session -> role / session; the account's root -> root. */
export function whoIs(by: { IamIdentity?: { Arn?: string }; UserProfileName?: string } | undefined): string {
  if (by?.UserProfileName) return by.UserProfileName
  const arn = by?.IamIdentity?.Arn ?? ""
  const [, role, session] = /:assumed-role\/([^/]+)\/(.+)$/.exec(arn) ?? []
  return role ? `${role} / ${session}` : (arn.split(/[:/]/).at(-1) ?? "")
}
