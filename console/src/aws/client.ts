/**
 * Clients of the AWS SDK for JavaScript, unmodified: they sign in the browser with the session's keys.
 *
 *     const training = await aws(SageMakerClient).send(new DescribeTrainingJobCommand({ TrainingJobName }))
 */
import { keys } from "@/session/session"
import { endpoint, region } from "./place"

type Options = {
  region: string
  endpoint: string
  credentials: () => Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken: string; expiration: Date }>
  maxAttempts: number
  forcePathStyle: boolean
  requestHandler: { cache: "no-store" }
}

const clients = new Map<unknown, unknown>()

async function credentials() {
  const { accessKeyId, secretAccessKey, sessionToken, expires } = await keys()
  return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(expires) }
}

/** The one client of that class. */
export function aws<T>(Client: new (options: Options) => T): T {
  const made = clients.get(Client)
  if (made !== undefined) return made as T
  const client = new Client({
    region: region(),
    endpoint: endpoint(),
    credentials,
    maxAttempts: 3,
    forcePathStyle: true, // only S3 knows it; the others pass it over
    // A browser that has a part of an object in its cache asks only for the rest, with another Range than was signed.
    requestHandler: { cache: "no-store" },
  })
  clients.set(Client, client)
  return client
}

/** Another person signs from now on: what the clients remember of the last one is gone. */
export function forgetClients(): void {
  clients.clear()
}
