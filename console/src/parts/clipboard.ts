/** Works on plain http too, where the clipboard API is not to be had. */
export async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = Object.assign(document.createElement("textarea"), { value: text })
  document.body.append(area)
  area.select()
  document.execCommand("copy")
  area.remove()
}
