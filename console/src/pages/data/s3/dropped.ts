/** Files and whole folders that were dropped on the page. */
export type Given = { path: string; file: File }

const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((yes, no) => entry.file(yes, no))

/** A folder's reader answers a part at a time, and nothing at its end. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const found: FileSystemEntry[] = []
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((yes, no) => reader.readEntries(yes, no))
    if (part.length === 0) return found
    found.push(...part)
  }
}

async function walk(entry: FileSystemEntry, path: string): Promise<Given[]> {
  if (entry.isFile) return [{ path: path + entry.name, file: await fileOf(entry as FileSystemFileEntry) }]
  const below = await entriesOf(entry as FileSystemDirectoryEntry)
  return (await Promise.all(below.map((one) => walk(one, `${path}${entry.name}/`)))).flat()
}

/** The entries must be taken before anything is awaited: the browser forgets them at the end of the event. */
export async function filesOfDrop(transfer: DataTransfer): Promise<Given[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  if (entries.length) return (await Promise.all(entries.map((one) => walk(one, "")))).flat()
  return [...transfer.files].map((file) => ({ path: file.name, file }))
}

/** Files of an <input>; those of a chosen folder keep their paths. */
export const filesOfInput = (list: FileList | null): Given[] =>
  [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }))
