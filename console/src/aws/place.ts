/** What the server wrote into the page: where this is. */
function meta(name: string, otherwise: string): string {
  const found = document.querySelector<HTMLMetaElement>(`meta[name="clary-${name}"]`)?.content
  return found ? found : otherwise
}

export const region = () => meta("region", "us-east-1")
export const version = () => meta("version", "")
/** The base URL of every service: the console is served by the server that it talks to. */
export const endpoint = () => location.origin
