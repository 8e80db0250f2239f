/** What the pages read and do: react-query over the SDK, with words for what went wrong. */
import { keepPreviousData, type QueryKey, useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useFlash } from "@/shell/flash"

/** How often a page looks again while something moves, and while nothing does. */
export const FAST_MS = 1_000
export const SLOW_MS = 5_000

type LiveOptions<T> = {
  /** ms between looks, or how to tell it from what was seen last; false: only once. */
  every?: number | false | ((seen: T | undefined) => number | false)
  enabled?: boolean
  /** Shown while a new key is fetched: the old answer (default), or nothing. */
  keep?: boolean
}

/** `data` is kept fresh while the page is seen. `key` names what is read; a change of the key reads anew. */
export function useLive<T>(key: QueryKey, read: () => Promise<T>, options: LiveOptions<T> = {}) {
  const { every = SLOW_MS, enabled = true, keep = true } = options
  return useQuery<T, Error>({
    queryKey: key,
    queryFn: read,
    enabled,
    refetchInterval: typeof every === "function" ? (query) => every(query.state.data as T | undefined) : every,
    ...(keep ? { placeholderData: keepPreviousData as never } : {}),
  })
}

/**
 * Something that changes the world: `run` does it, says in a flash that it is done (or why not, with AWS's words), and
 * everything on the page is looked at again.
 */
export function useAct<A, R>(
  act: (asked: A) => Promise<R>,
  said?: string | ((result: R, asked: A) => string),
  /** `errorsHere`: a dialog that shows the error itself; it is not said a second time behind it. */
  { errorsHere = false }: { errorsHere?: boolean } = {},
) {
  const flash = useFlash()
  const queries = useQueryClient()
  return useMutation<R, Error, A>({
    mutationFn: act,
    onSuccess: (result, asked) => {
      const words = typeof said === "function" ? said(result, asked) : said
      if (words) flash({ type: "success", content: words })
      return queries.invalidateQueries()
    },
    onError: (error) => {
      if (!errorsHere) flash({ type: "error", content: inWords(error) })
    },
  })
}

/** An error of the wire as a sentence, with its code. */
export function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === "TypeError" && /fetch/i.test(error.message)) {
    return "The server does not answer. Is Clary running? Start it with: clary up"
  }
  const code =
    error.name && !["Error", "TypeError", "SignedOut", "Refused"].includes(error.name) ? ` (${error.name})` : ""
  return `${error.message || "The request failed"}${code}`
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  (/NotFound|NoSuch|DoesNotExist/i.test(error.name) || /could not find|does not exist|not found/i.test(error.message))
