/** Pipelines: the list, one pipeline, one execution as it runs, two executions side by side. */
import { Route, Routes, useSearchParams } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { Compare } from "./compare"
import { ExecutionPage } from "./execution"
import { PipelineList } from "./list"
import { PipelinePage } from "./pipeline"

export default function Pipelines() {
  return (
    <Routes>
      <Route index element={<PipelineList />} />
      <Route path="compare" element={<ComparedOrNamed />} />
      <Route path=":name" element={<PipelinePage />} />
      <Route path=":name/executions/:id" element={<ExecutionPage />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}

/** A pipeline may be called "compare", too: then the link names no executions. */
function ComparedOrNamed() {
  const [params] = useSearchParams()
  return params.has("a") || params.has("b") ? <Compare /> : <PipelinePage name="compare" />
}
