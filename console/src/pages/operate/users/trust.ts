/** Policy documents, made and read. Pure functions. */

type Statement = { Effect?: string; Principal?: unknown }

const list = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === "string")

/** Who may assume a role, by its trust policy: services, accounts, users. */
export function trusted(document: unknown): string[] {
  const statements = (document as { Statement?: Statement | Statement[] } | undefined)?.Statement ?? []
  const found = (Array.isArray(statements) ? statements : [statements])
    .filter((one) => one.Effect === "Allow")
    .flatMap(({ Principal }) =>
      typeof Principal === "string"
        ? [Principal === "*" ? "everybody" : Principal]
        : Object.values((Principal as Record<string, unknown> | undefined) ?? {}).flatMap(list),
    )
  return [...new Set(found)]
}

const wrap = (statement: object): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] }, null, 2)

export const trustOf = (service: string): string => wrap({ Principal: { Service: service }, Action: "sts:AssumeRole" })

export const SAMPLE_POLICY = wrap({
  Action: ["s3:GetObject", "s3:ListBucket"],
  Resource: ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"],
})

/** What is wrong with a document before it is sent; IAM says the rest. */
export function problemOf(text: string): string {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === "object" && read !== null && "Statement" in read ? "" : "A policy has a Statement."
  } catch (error) {
    return `That is no JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}
