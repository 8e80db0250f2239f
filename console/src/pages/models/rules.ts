/** What the tags and properties of the registry say: approval rules, aliases, decisions. Pure. */
import type { Direction } from "./metrics"

export type Tags = Record<string, string>
export type Rule = { key: string; words: string; metric?: string | undefined; direction?: Direction | undefined }
export type Decision = { number: number; status: string; by: string; at: Date | undefined; comment: string }

const COMPARED: Record<string, [string, Direction]> = {
  "at-least": ["at least", "higher"],
  above: ["above", "higher"],
  "at-most": ["at most", "lower"],
  below: ["below", "lower"],
}
const OFF = ["no", "false", "off"]

/** The approval rules of a group's tags, as sentences. A rule of the whole home is not told by the wire. */
export function rulesOf(group: string, tags: Tags): Rule[] {
  const endpoint = tags["approval:endpoint"]?.trim() || `${group}-production`
  return Object.entries(tags)
    .filter(([key]) => key.startsWith("approval:") && key !== "approval:endpoint")
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([key, value]): Rule[] => {
      const kind = key.slice("approval:".length).split(":")[0] ?? ""
      const words = value.trim().split(/\s+/).filter(Boolean)
      if (kind === "two-persons" || kind === "not-author") {
        if (OFF.includes((words[0] ?? "").toLowerCase())) return []
        return [
          {
            key,
            words: kind === "two-persons" ? "Two persons must approve." : "Who registered a version cannot approve it.",
          },
        ]
      }
      const [metric = "", how = "", bound = ""] = words
      const compared = COMPARED[how]
      if (kind === "metric" && compared)
        return [{ key, words: `${metric} must be ${compared[0]} ${bound}.`, metric, direction: compared[1] }]
      if (kind === "beat-in-service" && (how === "higher" || how === "lower"))
        return [
          {
            key,
            words: `${metric} must be ${how} than that of the version ${endpoint} serves.`,
            metric,
            direction: how,
          },
        ]
      return [{ key, words: `${kind} ${value}`.trim() }]
    })
}

/** What the rules say of a metric's direction, by its path or the end of it. */
export function directionByRules(path: string, rules: readonly Rule[]): Direction | undefined {
  return rules.find((one) => one.metric !== undefined && (path === one.metric || path.endsWith(`.${one.metric}`)))
    ?.direction
}

/** Which names a version has: alias:champion = 3. */
export function aliasesOf(tags: Tags): { name: string; version: number }[] {
  return Object.entries(tags)
    .filter(([key]) => key.startsWith("alias:"))
    .map(([key, value]) => ({ name: key.slice("alias:".length), version: Number(value) }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** Who decided what, when and why, the newest first: as the registry keeps it among the properties. */
export function decisionsOf(properties: Tags | undefined): Decision[] {
  return Object.entries(properties ?? {})
    .flatMap(([key, value]): Decision[] => {
      const number = /^clary:decision-(\d+)$/.exec(key)?.[1]
      const said = /^(\S+) by (\S+) at (\S+?)(?:: ([\s\S]*))?$/.exec(value)
      if (number === undefined || !said) return []
      const at = new Date(said[3] ?? "")
      return [
        {
          number: Number(number),
          status: said[1] ?? "",
          by: said[2] ?? "",
          at: Number.isNaN(at.getTime()) ? undefined : at,
          comment: said[4] ?? "",
        },
      ]
    })
    .sort((a, b) => b.number - a.number)
}

/** Tags that a deployment inherits from the group: not those that only mean something to the registry, or to AWS. */
export const inherited = (tags: Tags): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !/^(approval|alias|aws|clary):/.test(key)))
