/** The one operation that needs no signature: AWS Sign-In's CreateOAuth2Token, by which a code becomes keys. */
import { Sha256 } from "@aws-crypto/sha256-js"
import { HttpRequest } from "@smithy/protocol-http"
import { SignatureV4 } from "@smithy/signature-v4"
import { region } from "@/aws/place"
import type { Session } from "./session"

const CLIENT = "arn:aws:signin:::devtools/same-device"
const PROOF_SECONDS = 60

type Token = {
  accessToken: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  expiresIn: number
  refreshToken: string
}

/** The server has said no, and would say it again. */
export class Refused extends Error {
  constructor(message: string) {
    super(message)
    this.name = "Refused"
  }
}

async function ask(grant: Record<string, string>): Promise<Session> {
  const answer = await fetch("/v1/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ clientId: CLIENT, ...grant }),
  })
  const said = (await answer.json().catch(() => ({}))) as Partial<Token> & { message?: string }
  if (said.accessToken === undefined || said.refreshToken === undefined) {
    const why = said.message ?? `the server answered ${answer.status}`
    throw answer.status >= 500 ? new Error(why) : new Refused(why)
  }
  return {
    ...said.accessToken,
    expires: Date.now() + (said.expiresIn ?? 0) * 1000,
    refreshToken: said.refreshToken,
  }
}

/** The session of whoever was given this code. Throws Refused: used already, expired, or never made here. */
export function redeem(code: string): Promise<Session> {
  return ask({ grantType: "authorization_code", code, redirectUri: `${location.origin}/console/` })
}

export function refresh(refreshToken: string): Promise<Session> {
  return ask({ grantType: "refresh_token", refreshToken })
}

/**
 * A code that proves that its maker holds the keys: a presigned GetCallerIdentity, valid for a minute. The secret never
 * leaves the page.
 */
export async function proofOf(accessKeyId: string, secretAccessKey: string): Promise<string> {
  const signer = new SignatureV4({
    service: "sts",
    region: region(),
    credentials: { accessKeyId, secretAccessKey },
    sha256: Sha256,
    applyChecksum: false,
  })
  const request = new HttpRequest({
    method: "GET",
    protocol: location.protocol,
    hostname: location.hostname,
    path: "/",
    query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
    headers: { host: location.host },
  })
  const signed = await signer.presign(request, { expiresIn: PROOF_SECONDS })
  return new URLSearchParams(signed.query as Record<string, string>).toString()
}
