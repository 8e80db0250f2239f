/** Which time: the last so many hours, or from one instant to another, in the time zone of whoever looks. */
import DateRangePicker, { type DateRangePickerProps } from "@cloudscape-design/components/date-range-picker"
import { type Range, short, USUAL } from "./ranges"

type Props = { range: Range; onChange: (range: Range) => void }

const RELATIVE: DateRangePickerProps.RelativeOption[] = USUAL.map((one) => ({
  key: one.id,
  type: "relative",
  amount: one.seconds / (one.seconds % 3_600 ? 60 : 3_600),
  unit: one.seconds % 3_600 ? "minute" : "hour",
}))
const SECONDS: Record<string, number> = {
  second: 1,
  minute: 60,
  hour: 3_600,
  day: 86_400,
  week: 604_800,
  month: 2_592_000,
  year: 31_536_000,
}

function shownAs(range: Range): DateRangePickerProps.Value {
  if (range.kind === "fixed")
    return { type: "absolute", startDate: range.from.toISOString(), endDate: range.to.toISOString() }
  const key = short(range.seconds)
  const usual = USUAL.find((one) => one.seconds === range.seconds)
  const minutes = range.seconds % 3_600 !== 0
  return {
    ...(usual ? { key: usual.id } : { key }),
    type: "relative",
    amount: range.seconds / (minutes ? 60 : 3_600),
    unit: minutes ? "minute" : "hour",
  }
}

export function RangePicker({ range, onChange }: Props) {
  return (
    <DateRangePicker
      value={shownAs(range)}
      relativeOptions={RELATIVE}
      onChange={({ detail: { value } }) => {
        if (value?.type === "relative") onChange({ kind: "last", seconds: value.amount * (SECONDS[value.unit] ?? 60) })
        if (value?.type === "absolute")
          onChange({ kind: "fixed", from: new Date(value.startDate), to: new Date(value.endDate) })
      }}
      isValidRange={(value) => {
        if (value === null) return { valid: false, errorMessage: "Choose a time." }
        if (value.type === "relative")
          return value.amount > 0
            ? { valid: true }
            : { valid: false, errorMessage: "The time must be longer than nothing." }
        const [from, to] = [new Date(value.startDate).getTime(), new Date(value.endDate).getTime()]
        if (Number.isNaN(from) || Number.isNaN(to))
          return { valid: false, errorMessage: "Say the first and the last day." }
        return from < to ? { valid: true } : { valid: false, errorMessage: "The end must be after the beginning." }
      }}
      placeholder="Choose a time"
      showClearButton={false}
      absoluteFormat="iso"
      rangeSelectorMode="default"
      locale="en-GB"
      i18nStrings={{
        formatRelativeRange: ({ amount, unit }) => `Last ${amount} ${unit}${amount === 1 ? "" : "s"}`,
        ariaLabel: "Time",
      }}
    />
  )
}
