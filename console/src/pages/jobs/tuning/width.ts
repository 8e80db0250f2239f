/** How wide an element is: drawings are made for the room they have, so that their text is never scaled. */
import { type RefObject, useEffect, useRef, useState } from "react"

export function useWidth(first = 640): [RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(first)
  useEffect(() => {
    const seen = box.current
    if (seen === null || typeof ResizeObserver === "undefined") return
    const observer = new ResizeObserver(() => setWidth(seen.clientWidth || first))
    observer.observe(seen)
    return () => observer.disconnect()
  }, [first])
  return [box, width]
}
