/** Where a statement runs: the database of names without one, the work group, and where the results are kept. */
import { AthenaClient, ListWorkGroupsCommand } from "@aws-sdk/client-athena"
import FormField from "@cloudscape-design/components/form-field"
import Input from "@cloudscape-design/components/input"
import Select from "@cloudscape-design/components/select"
import { aws } from "@/aws/client"
import { inWords, useLive } from "@/aws/live"
import { all } from "@/aws/pages"
import { parseS3 } from "@/parts/s3"
import { defaultBucket, placeOf } from "./athena"

export type Places = { database: string; workGroup: string; output: string }

const allWorkGroups = () =>
  all(
    (token) => aws(AthenaClient).send(new ListWorkGroupsCommand({ NextToken: token })),
    (page) => page.WorkGroups,
    (page) => page.NextToken,
  )

type Props = {
  places: Places
  databases: readonly string[] | undefined
  error: unknown
  onChange: (places: Places) => void
}

export function PlacesForm({ places, databases, error, onChange }: Props) {
  const groups = useLive(["athena", "groups"], allWorkGroups)
  const place = useLive(["athena", "place", places.workGroup], () => placeOf(places.workGroup), { every: false })
  const bucket = useLive(["athena", "bucket"], defaultBucket, { every: false })
  const names = new Set(["default", places.database, ...(databases ?? [])])
  const options = [...names].sort().map((name) => ({ value: name, label: name }))
  const groupOptions = (groups.data ?? [{ Name: places.workGroup }]).map((one) => ({
    value: one.Name ?? "",
    label: one.Name ?? "",
    ...("Description" in one && one.Description ? { description: String(one.Description) } : {}),
    disabled: "State" in one && one.State === "DISABLED",
  }))
  const otherwise = place.data?.location ?? (bucket.data ? `s3://${bucket.data}/` : "")
  const wrong = places.output !== "" && parseS3(places.output) === null
  return (
    <div className="clary-sql-places">
      <FormField label="Database" errorText={error ? inWords(error) : ""}>
        <Select
          options={options}
          selectedOption={{ value: places.database, label: places.database }}
          filteringType={options.length > 10 ? "auto" : "none"}
          filteringAriaLabel="Filter databases"
          onChange={({ detail }) => onChange({ ...places, database: detail.selectedOption.value ?? "default" })}
        />
      </FormField>
      <FormField label="Work group" errorText={groups.error ? inWords(groups.error) : ""}>
        <Select
          options={groupOptions}
          selectedOption={{ value: places.workGroup, label: places.workGroup }}
          onChange={({ detail }) => onChange({ ...places, workGroup: detail.selectedOption.value ?? "primary" })}
        />
      </FormField>
      <div className="clary-sql-wide">
        <FormField
          label="Results go to"
          stretch
          errorText={wrong ? "A place looks like s3://bucket/folder/" : place.error ? inWords(place.error) : ""}
          constraintText={place.data?.enforced ? "The work group decides this." : undefined}
        >
          <Input
            value={places.output}
            placeholder={otherwise}
            disabled={place.data?.enforced}
            spellcheck={false}
            onChange={({ detail }) => onChange({ ...places, output: detail.value.trim() })}
          />
        </FormField>
      </div>
    </div>
  )
}
