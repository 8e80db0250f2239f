/** Lists that come in pages. */

/** All items of an operation that answers pages; `most` bounds what a page of the console can show at all. */
export async function all<P, T>(
  ask: (token: string | undefined) => Promise<P>,
  items: (page: P) => readonly T[] | undefined,
  token: (page: P) => string | undefined,
  most = 1_000,
): Promise<T[]> {
  const found: T[] = []
  let next: string | undefined
  do {
    const page = await ask(next)
    found.push(...(items(page) ?? []))
    next = token(page)
  } while (next && found.length < most)
  return found
}
