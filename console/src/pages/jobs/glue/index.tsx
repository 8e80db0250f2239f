/** Glue's jobs: scripts of ETL, their runs and triggers. */
import { Route, Routes } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { JobPage } from "./job-page"
import { GlueList } from "./list"
import { RunPage } from "./run-page"

export default function Glue() {
  return (
    <Routes>
      <Route index element={<GlueList />} />
      <Route path=":name" element={<JobPage />} />
      <Route path=":name/:run" element={<RunPage />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
