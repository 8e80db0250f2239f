/** What whoever registered a version said of it, and what the registry keeps of where its metrics came from. */
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import { Facts } from "@/parts/facts"
import { S3 } from "@/parts/s3"
import type { Version } from "./packages"

/** Properties that are shown elsewhere on the page. */
const ELSEWHERE = /^clary:decision-/
const TITLES: Record<string, string> = { "clary:page": "Document of its page" }

export function Properties({ version }: { version: Version }) {
  const pairs = Object.entries(version.CustomerMetadataProperties ?? {})
    .filter(([key]) => !ELSEWHERE.test(key))
    .sort(([a], [b]) => a.localeCompare(b))
  if (pairs.length === 0) return null
  return (
    <Container header={<Header variant="h2">Properties</Header>}>
      <Facts
        columns={2}
        facts={pairs.map(([key, value]) => [
          TITLES[key] ?? titleOf(key),
          value.startsWith("s3://") ? (
            <S3 key={key} uri={value} />
          ) : (
            <span key={key} className="clary-break">
              {value}
            </span>
          ),
        ])}
      />
    </Container>
  )
}

/** "clary:ModelQuality.Statistics" tells where the file was that the registry has copied. */
function titleOf(key: string): string {
  const copied = /^clary:(Model\w+|Bias|Explainability)\.(\w+)$/.exec(key)
  return copied ? `${copied[1]} ${copied[2]?.toLowerCase()} came from` : key
}
