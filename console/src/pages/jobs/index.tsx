/** Jobs: lists of each kind, a page for each job, and a form that makes another one like it. */
import { lazy } from "react"
import { Navigate, Route, Routes } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import "./jobs.css"
import { ProcessingList, TrainingList, TransformList, TuningList } from "./lists"
import { ProcessingPage } from "./processing-page"
import { TrainingPage } from "./training-page"
import { TransformPage } from "./transform-page"
import { TuningPage } from "./tuning/page"

const ClonePage = lazy(() => import("./clone/page"))
const Glue = lazy(() => import("./glue"))

export default function Jobs() {
  return (
    <Routes>
      <Route index element={<Navigate to="training" replace />} />
      <Route path="training" element={<TrainingList />} />
      <Route path="training/:name" element={<TrainingPage />} />
      <Route path="processing" element={<ProcessingList />} />
      <Route path="processing/:name" element={<ProcessingPage />} />
      <Route path="transform" element={<TransformList />} />
      <Route path="transform/:name" element={<TransformPage />} />
      <Route path="tuning" element={<TuningList />} />
      <Route path="tuning/:name" element={<TuningPage />} />
      <Route path="glue/*" element={<Glue />} />
      <Route path=":kind/:name/clone" element={<ClonePage />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
