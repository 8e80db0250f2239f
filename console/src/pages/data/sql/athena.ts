/** Athena as the pages ask it: a query is started, watched, and its results are read a page at a time. */
import {
  AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  GetWorkGroupCommand,
  type QueryExecution,
  StartQueryExecutionCommand,
} from "@aws-sdk/client-athena"
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3"
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts"
import { aws } from "@/aws/client"
import { region } from "@/aws/place"
import { makeBucket } from "../s3/create-bucket"

export type Results = { columns: ColumnInfo[]; rows: (string | null)[][]; next?: string }

export const isRunning = (state: string | undefined): boolean => state === "QUEUED" || state === "RUNNING"

export const execution = async (id: string): Promise<QueryExecution> => {
  const answer = await aws(AthenaClient).send(new GetQueryExecutionCommand({ QueryExecutionId: id }))
  if (!answer.QueryExecution) throw new Error(`There is no query ${id}`)
  return answer.QueryExecution
}

/** The bucket that Athena's own console uses: one an account and region. */
export async function defaultBucket(): Promise<string> {
  const { Account } = await aws(STSClient).send(new GetCallerIdentityCommand({}))
  return `aws-athena-query-results-${Account ?? ""}-${region()}`
}

/** Where the work group puts results; undefined: the query must say it. `enforced`: the query cannot say otherwise. */
export async function placeOf(workGroup: string): Promise<{ location?: string; enforced: boolean }> {
  const { WorkGroup } = await aws(AthenaClient).send(new GetWorkGroupCommand({ WorkGroup: workGroup }))
  const { ResultConfiguration: results, EnforceWorkGroupConfiguration: enforced } = WorkGroup?.Configuration ?? {}
  const location = results?.OutputLocation
  return { ...(location ? { location } : {}), enforced: enforced === true && location !== undefined }
}

export type Question = {
  sql: string
  database?: string
  workGroup?: string
  /** s3://bucket/prefix/; without it, where the work group says, else the default bucket, made when it is first needed. */
  output?: string
}

export async function start({ sql, database, workGroup = "primary", output }: Question): Promise<string> {
  const place = output || ((await placeOf(workGroup)).location ? undefined : await defaultPlace())
  const { QueryExecutionId } = await aws(AthenaClient).send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: workGroup,
      ...(database ? { QueryExecutionContext: { Database: database } } : {}),
      ...(place ? { ResultConfiguration: { OutputLocation: place } } : {}),
    }),
  )
  return QueryExecutionId ?? ""
}

async function defaultPlace(): Promise<string> {
  const bucket = await defaultBucket()
  const { Buckets } = await aws(S3Client).send(new ListBucketsCommand({ Prefix: bucket }))
  if (!Buckets?.some((one) => one.Name === bucket)) await makeBucket(bucket)
  return `s3://${bucket}/`
}

/** Rows of a page; the first page of a query begins with the names of the columns, which are left out. */
export async function results(execution: QueryExecution, size: number, token?: string): Promise<Results> {
  const answer = await aws(AthenaClient).send(
    new GetQueryResultsCommand({ QueryExecutionId: execution.QueryExecutionId, MaxResults: size, NextToken: token }),
  )
  const columns = answer.ResultSet?.ResultSetMetadata?.ColumnInfo ?? []
  const rows = (answer.ResultSet?.Rows ?? []).map((row) => (row.Data ?? []).map((cell) => cell.VarCharValue ?? null))
  const headed = token === undefined && isHeader(rows[0], columns, execution.StatementType)
  return { columns, rows: headed ? rows.slice(1) : rows, next: answer.NextToken }
}

/** Of DDL and UTILITY (SHOW, DESCRIBE, EXPLAIN) the results are lines without a header. */
export function isHeader(
  row: readonly (string | null)[] | undefined,
  columns: readonly ColumnInfo[],
  statement: string | undefined,
): boolean {
  return statement === "DML" && row !== undefined && row.every((cell, at) => cell === columns[at]?.Name)
}

const PAUSES_MS = [50, 100, 200, 400, 800]

/** The answer to a short question, waited for. Throws what Athena says when it fails. */
export async function answerTo(question: Question, most: number): Promise<Results> {
  const id = await start(question)
  for (let looks = 0; ; looks += 1) {
    const seen = await execution(id)
    const state = seen.Status?.State
    if (state === "SUCCEEDED") return results(seen, most)
    if (!isRunning(state)) throw new Error(seen.Status?.StateChangeReason ?? `The query was ${state?.toLowerCase()}`)
    await new Promise((go) => setTimeout(go, PAUSES_MS[Math.min(looks, PAUSES_MS.length - 1)]))
  }
}

const NUMBERS = ["tinyint", "smallint", "integer", "int", "bigint", "float", "real", "double", "decimal"]
export const isNumberType = (type: string | undefined): boolean =>
  NUMBERS.includes((type ?? "").toLowerCase().replace(/\(.*/, ""))
