/** Whose session this is, as STS says it. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts"
import { useQuery } from "@tanstack/react-query"
import { aws } from "@/aws/client"

export function useWho(): { name: string; arn: string; account: string } {
  const { data } = useQuery({
    queryKey: ["who"],
    queryFn: () => aws(STSClient).send(new GetCallerIdentityCommand({})),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const arn = data?.Arn ?? ""
  return { name: arn.split(/[:/]/).at(-1) || "…", arn, account: data?.Account ?? "" }
}
