/**
 * Who is signed in, and the short-lived keys that sign requests in the name of that person.
 *
 * The keys live in this tab's memory and its sessionStorage (so that a reload keeps them), never in localStorage and
 * never in a URL. They last 15 minutes and are renewed while the tab is used, up to the end of the session.
 */
import { refresh } from "./tokens"

export type Session = {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  /** When these keys expire, in ms since the epoch. */
  expires: number
  refreshToken: string
}

type Listener = (session: Session | null) => void

const PLACE = "clary.session"
/** Keys with less than this left are renewed before they are used. */
const MARGIN_MS = 60_000

const listeners = new Set<Listener>()
let current: Session | null = read()
let renewing: Promise<Session> | null = null

function read(): Session | null {
  const kept = sessionStorage.getItem(PLACE)
  return kept === null ? null : (JSON.parse(kept) as Session)
}

export function session(): Session | null {
  return current
}

/** From now on requests are signed with these keys; null: nobody is signed in. */
export function setSession(next: Session | null): void {
  current = next
  if (next === null) sessionStorage.removeItem(PLACE)
  else sessionStorage.setItem(PLACE, JSON.stringify(next))
  for (const listener of listeners) listener(next)
}

export function onSession(listener: Listener): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

export class SignedOut extends Error {
  constructor() {
    super("The session has ended. Sign in again.")
    this.name = "SignedOut"
  }
}

/** Keys that still sign: renewed first when they are about to expire. Throws SignedOut. */
export async function keys(now = Date.now()): Promise<Session> {
  if (current === null) throw new SignedOut()
  if (current.expires - now > MARGIN_MS) return current
  const { refreshToken } = current
  renewing ??= refresh(refreshToken).finally(() => {
    renewing = null
  })
  try {
    const next = await renewing
    // Several calls may have waited for the same keys: they are told to the page once.
    if (current?.accessKeyId !== next.accessKeyId) setSession(next)
    return next
  } catch (error) {
    if (error instanceof Error && error.name === "Refused") {
      setSession(null)
      throw new SignedOut()
    }
    throw error
  }
}

type Message = { ask?: true; session?: Session; out?: true }
const channel = new BroadcastChannel(PLACE)

/** Nobody is signed in any more, in no tab. */
export function signOut(): void {
  channel.postMessage({ out: true } satisfies Message)
  setSession(null)
}

/**
 * A new tab has no session of its own: it asks the other tabs of this origin, and they answer. Resolves after
 * `patienceMs` at the latest, with whether there is a session now.
 */
export function shareBetweenTabs(patienceMs = 250): Promise<boolean> {
  return new Promise((resolve) => {
    const done = () => resolve(current !== null)
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.ask && current !== null) channel.postMessage({ session: current } satisfies Message)
      if (data.out && current !== null) setSession(null)
      if (data.session && current === null) {
        setSession(data.session)
        done()
      }
    }
    if (current !== null) {
      done()
      return
    }
    channel.postMessage({ ask: true } satisfies Message)
    setTimeout(done, patienceMs)
  })
}
