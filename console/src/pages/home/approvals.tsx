/** Versions that wait for somebody to approve them. */
import { ListModelPackagesCommand, type ModelPackageSummary, SageMakerClient } from "@aws-sdk/client-sagemaker"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import { aws } from "@/aws/client"
import { useLive } from "@/aws/live"
import { Empty } from "@/parts/empty"
import { Ago } from "@/parts/time"
import { To } from "@/shell/link"

const MOST = 10

export const useApprovals = () =>
  useLive(["home", "approvals"], async () => {
    const answer = await aws(SageMakerClient).send(
      new ListModelPackagesCommand({
        ModelPackageType: "Versioned",
        ModelApprovalStatus: "PendingManualApproval",
        SortBy: "CreationTime",
        SortOrder: "Descending",
        MaxResults: MOST,
      }),
    )
    return answer.ModelPackageSummaryList ?? []
  })

export function Approvals({ versions }: { versions: readonly ModelPackageSummary[] }) {
  return (
    <Container
      header={
        <Header variant="h2" counter={`(${versions.length}${versions.length === MOST ? "+" : ""})`}>
          Approvals that wait
        </Header>
      }
    >
      {versions.length === 0 ? (
        <Empty title="Nothing waits for you">A version that a pipeline registers waits here for your approval.</Empty>
      ) : (
        <ul className="clary-home-list" aria-label="Approvals that wait">
          {versions.map((one) => (
            <li key={one.ModelPackageArn}>
              <span className="clary-break">
                <To to={`/models/${one.ModelPackageGroupName}/${one.ModelPackageVersion}`}>
                  {one.ModelPackageGroupName}, version {one.ModelPackageVersion}
                </To>
              </span>
              <span className="clary-home-quiet">
                <Ago when={one.CreationTime} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Container>
  )
}
