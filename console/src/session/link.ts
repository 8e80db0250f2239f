/** The one-time link that `clary up` prints: /console/#code=... The part after # is never sent, so no log has it. */
import { setSession } from "./session"
import { redeem } from "./tokens"

/** The session of the link stands; "" when all is well or there was no link, else why not, in words. */
export async function redeemLink(): Promise<string> {
  const code = new URLSearchParams(location.hash.slice(1)).get("code")
  if (code === null) return ""
  history.replaceState(null, "", location.pathname + location.search)
  try {
    setSession(await redeem(code))
    return ""
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
