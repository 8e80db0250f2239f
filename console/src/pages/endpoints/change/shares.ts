/** Weights and counts as a form has them, and what of it is asked for. Pure functions. */
import type { DesiredWeightAndCapacity, ProductionVariantSummary } from "@aws-sdk/client-sagemaker"

export type Row = {
  name: string
  weight: string
  /** Of variants with instances. */
  count: string
  serverless: boolean
  /** Of serverless variants: most requests at once, and instances that stay. */
  concurrency: string
  provisioned: string
}

export function rowsOf(variants: readonly ProductionVariantSummary[]): Row[] {
  return variants.map((one) => {
    const serverless = one.DesiredServerlessConfig ?? one.CurrentServerlessConfig
    return {
      name: one.VariantName ?? "",
      weight: String(one.DesiredWeight ?? one.CurrentWeight ?? 1),
      count: String(one.DesiredInstanceCount ?? one.CurrentInstanceCount ?? 1),
      serverless: serverless !== undefined,
      concurrency: String(serverless?.MaxConcurrency ?? ""),
      provisioned: String(serverless?.ProvisionedConcurrency ?? ""),
    }
  })
}

const amount = (text: string): number => (/^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN)
const whole = (text: string): number => (/^\d+$/.test(text.trim()) ? Number(text) : Number.NaN)

/** The part of the traffic that each would get; undefined: weights that are none, or all zero. */
export function shares(rows: readonly Pick<Row, "weight">[]): (number | undefined)[] {
  const weights = rows.map((one) => amount(one.weight))
  const all = weights.reduce((sum, one) => sum + (Number.isNaN(one) ? 0 : one), 0)
  return weights.map((one) => (Number.isNaN(one) || all === 0 ? undefined : one / all))
}

/** What is wrong with a row, by its field. `least`: instances that there must be. */
export function flaws(
  row: Row,
  least: number,
): { weight?: string; count?: string; concurrency?: string; provisioned?: string } {
  const [count, concurrency, provisioned] = [whole(row.count), whole(row.concurrency), whole(row.provisioned)]
  return {
    ...(Number.isNaN(amount(row.weight)) ? { weight: "A number from 0 on is needed." } : {}),
    ...(!row.serverless && !(count >= least) ? { count: `A whole number from ${least} on is needed.` } : {}),
    ...(row.serverless && !(concurrency >= 1 && concurrency <= 200) ? { concurrency: "1 to 200." } : {}),
    ...(row.serverless && row.provisioned.trim() && !(provisioned >= 1 && provisioned <= concurrency)
      ? { provisioned: "1 to the most at once." }
      : {}),
  }
}

/** Only what differs from what is asked for now; nothing: nothing changes. */
export function wanted(rows: readonly Row[], before: readonly Row[]): DesiredWeightAndCapacity[] {
  return rows.flatMap((row) => {
    const old = before.find((one) => one.name === row.name)
    const weight = amount(row.weight) !== amount(old?.weight ?? "")
    const count = !row.serverless && whole(row.count) !== whole(old?.count ?? "")
    const serverless = row.serverless && (row.concurrency !== old?.concurrency || row.provisioned !== old?.provisioned)
    if (!weight && !count && !serverless) return []
    return [
      {
        VariantName: row.name,
        ...(weight ? { DesiredWeight: amount(row.weight) } : {}),
        ...(count ? { DesiredInstanceCount: whole(row.count) } : {}),
        ...(serverless
          ? {
              ServerlessUpdateConfig: {
                MaxConcurrency: whole(row.concurrency),
                ...(row.provisioned.trim() ? { ProvisionedConcurrency: whole(row.provisioned) } : {}),
              },
            }
          : {}),
      },
    ]
  })
}
