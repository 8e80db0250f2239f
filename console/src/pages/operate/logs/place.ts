/** Where the pages of logs are: names of groups hold slashes, so they stand in the query. */

const query = (params: Record<string, string>) => new URLSearchParams(params).toString()

export const groupAt = (group: string): string => `/operate/logs?${query({ group })}`
export const streamAt = (group: string, stream: string): string => `/operate/logs?${query({ group, stream })}`
export const searchAt = (group: string): string => `/operate/logs?${query({ view: "search", g: group })}`

/** The page of the console that shows what wrote a stream; undefined where nothing of Clary's did. */
export function writerAt(group: string, stream: string): string | undefined {
  const name = stream.split("/")[0] ?? ""
  const [, endpoint] = /^\/aws\/sagemaker\/Endpoints\/(.+)$/.exec(group) ?? []
  if (endpoint) return `/endpoints/${endpoint}`
  const kinds: Record<string, string> = {
    "/aws/sagemaker/TrainingJobs": "training",
    "/aws/sagemaker/ProcessingJobs": "processing",
    "/aws/sagemaker/TransformJobs": "transform",
  }
  const kind = kinds[group]
  return kind && name ? `/jobs/${kind}/${name}` : undefined
}
