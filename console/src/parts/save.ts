/** A text or bytes become a file of the person's. */
export function save(content: BlobPart, name: string, type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = Object.assign(document.createElement("a"), { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1_000)
}

/** A name that every file system takes. */
export const filesName = (text: string): string => text.replace(/[^\w.-]+/g, "_").replace(/^_+/, "")
