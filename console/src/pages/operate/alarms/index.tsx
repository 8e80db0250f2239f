/** Alarms: all of them, a page each, and the form that makes and changes them. */
import { Route, Routes, useSearchParams } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { AlarmPage } from "./alarm"
import { NewAlarm } from "./form"
import { AlarmList } from "./list"

/** The form stands at `?make=`, so that an alarm may have any name. */
function ListOrForm() {
  const [params] = useSearchParams()
  return params.has("make") ? <NewAlarm /> : <AlarmList />
}

export default function Alarms() {
  return (
    <Routes>
      <Route index element={<ListOrForm />} />
      <Route path=":name" element={<AlarmPage />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
