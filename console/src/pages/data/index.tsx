/** Data: files in S3, the tables of the catalog, and SQL over them. */
import "./data.css"
import { Navigate, Route, Routes } from "react-router"
import { Nowhere } from "@/shell/nowhere"
import { Catalog } from "./catalog/catalog"
import { Database } from "./catalog/database"
import { TablePage } from "./catalog/table"
import { Buckets } from "./s3/buckets"
import { Folder } from "./s3/folder"
import { Sql } from "./sql/sql"

export default function Data() {
  return (
    <Routes>
      <Route index element={<Navigate to="/data/s3" replace />} />
      <Route path="s3" element={<Buckets />} />
      <Route path="s3/:bucket" element={<Folder />} />
      <Route path="catalog" element={<Catalog />} />
      <Route path="catalog/:database" element={<Database />} />
      <Route path="catalog/:database/:table" element={<TablePage />} />
      <Route path="sql" element={<Sql />} />
      <Route path="*" element={<Nowhere />} />
    </Routes>
  )
}
