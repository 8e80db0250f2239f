/** How to write a pattern, by examples that can be tried. */

export type Example = { kind: string; pattern: string; means: string; matches: string[]; misses: string[] }

export const EXAMPLES: Example[] = [
  {
    kind: "Terms",
    pattern: "ERROR timeout",
    means: "Both words, in exactly this case, in any order",
    matches: ["ERROR: timeout after 3 s"],
    misses: ["error timeout", "ERROR: refused"],
  },
  {
    kind: "Phrase",
    pattern: '"exit code 1"',
    means: "These words as they stand; also for terms with other characters than letters, digits and _",
    matches: ["stopped with exit code 1"],
    misses: ["exit with code 1"],
  },
  {
    kind: "One of",
    pattern: "?WARN ?ERROR",
    means: "At least one of them",
    matches: ["WARN disk", "ERROR disk"],
    misses: ["INFO disk"],
  },
  {
    kind: "Not",
    pattern: "GET -health",
    means: "The first, without the second",
    matches: ["GET /cart 200"],
    misses: ["GET /health 200"],
  },
  {
    kind: "Regular expression",
    pattern: "%5[0-9]{2}%",
    means: "The whole pattern between percent signs; no groups",
    matches: ["GET /cart 503"],
    misses: ["GET /cart 200"],
  },
  {
    kind: "JSON",
    pattern: '{ $.level = "ERR*" && $.ms > 250 }',
    means: "Fields of lines that are JSON: =, !=, <, >, EXISTS, NOT EXISTS, IS TRUE, IS NULL; && and ||",
    matches: ['{"level": "ERROR", "ms": 300}'],
    misses: ['{"level": "ERROR", "ms": 100}', "ERROR 300"],
  },
  {
    kind: "Columns",
    pattern: "[ip, user, ..., status = 4*, size > 100]",
    means: "Words of a line by their place; ... stands for any number of them",
    matches: ["10.0.0.1 ada GET /x 404 120"],
    misses: ["10.0.0.1 ada GET /x 200 120"],
  },
]

/** The line as one reads it: JSON objects in several lines, the rest as it is. */
export function unfolded(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
