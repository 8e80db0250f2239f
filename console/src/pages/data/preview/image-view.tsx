import Box from "@cloudscape-design/components/box"
import { useQuery } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { Problem } from "@/parts/problem"
import { Waiting } from "@/parts/waiting"
import { type At, bytesOf } from "./read"

export const LARGEST_IMAGE = 20 * 1024 * 1024

/** An <img> never runs what is in a picture, be it SVG. */
export function ImageView({
  at,
  size,
  contentType,
  etag,
}: {
  at: At
  size: number
  contentType?: string
  etag: string
}) {
  const { data, error } = useQuery({
    queryKey: ["s3", at.bucket, "image", at.key, at.version, etag],
    queryFn: () => bytesOf(at, 0, size, size),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })
  const [url, setUrl] = useState<string>()
  const [drawn, setDrawn] = useState("")
  useEffect(() => {
    if (!data) return
    const svg = /\.svg$/i.test(at.key)
    const type = svg ? "image/svg+xml" : contentType?.startsWith("image/") ? contentType : ""
    const made = URL.createObjectURL(new Blob([data], { type }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [data, contentType, at.key])
  if (error) return <Problem error={error} />
  if (!url) return <Waiting what="Reading the picture" />
  return (
    <>
      <img
        className="clary-picture"
        src={url}
        alt={at.key.split("/").at(-1)}
        onLoad={({ currentTarget: one }) => setDrawn(`${one.naturalWidth} × ${one.naturalHeight} pixels`)}
        onError={() => setDrawn("The browser cannot draw this picture.")}
      />
      <Box textAlign="center" color="text-body-secondary" fontSize="body-s" padding={{ top: "xs" }}>
        {drawn}
      </Box>
    </>
  )
}
