/** Operate: what is measured, what calls, what was logged, what happened, who did it, and who may. */
import "./operate.css"
import { lazy } from "react"
import { Navigate, Route, Routes } from "react-router"
import { Nowhere } from "@/shell/nowhere"

const Metrics = lazy(() => import("./metrics"))
const Alarms = lazy(() => import("./alarms"))
const Logs = lazy(() => import("./logs"))
const Events = lazy(() => import("./events"))
const Audit = lazy(() => import("./audit"))
const Users = lazy(() => import("./users"))

export default function Operate() {
  return (
    <Routes>
      <Route index element={<Navigate to="metrics" replace />} />
      <Route path="metrics" element={<Metrics />} />
      <Route path="alarms/*" element={<Alarms />} />
      <Route path="logs" element={<Logs />} />
      <Route path="events/*" element={<Events />} />
      <Route path="audit" element={<Audit />} />
      <Route path="users/*" element={<Users />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
