/** Where this page is, and the token that its link brought. */

type Place = {
  /** The URL that answers: the page's own, or that of the server where the page's source was copied from. */
  base: string
  endpoint: string
}

/** A copied source says its server itself: <meta name="clary-base" content="https://host/apps/endpoint">. */
export function place(): Place {
  const said = meta("base")
  const base = new URL(said || location.pathname, location.href)
  base.search = base.hash = ""
  const path = /^(.*\/apps\/[^/]+)/.exec(base.pathname)?.[1] ?? base.pathname.replace(/\/+$/, "")
  return { base: base.origin + path, endpoint: decodeURIComponent(path.split("/").at(-1) ?? "") }
}

/** The endpoint's region, for those who ask it with keys; "": the page was not told. */
export const region = (): string => meta("region")

const meta = (name: string) =>
  document.querySelector<HTMLMetaElement>(`meta[name="clary-${name}"]`)?.content.trim() ?? ""

const kept = (endpoint: string) => `clary.app.${endpoint}.token`

/** The link's token is taken out of the address bar, and kept for this tab. "": there is none. */
export function takeToken(endpoint: string): string {
  const found = new URLSearchParams(location.hash.slice(1)).get("token")
  if (found !== null) {
    history.replaceState(null, "", location.pathname + location.search)
    keepToken(endpoint, found)
    return found
  }
  return sessionStorage.getItem(kept(endpoint)) ?? ""
}

export function keepToken(endpoint: string, token: string): void {
  if (token) sessionStorage.setItem(kept(endpoint), token)
  else sessionStorage.removeItem(kept(endpoint))
}
