/** Deletes an endpoint, and if one likes the configuration and the models that it alone was made of. */
import {
  DeleteEndpointCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  type DescribeEndpointConfigOutput,
  type DescribeEndpointOutput,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker"
import Checkbox from "@cloudscape-design/components/checkbox"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useNavigate } from "react-router"
import { aws } from "@/aws/client"
import { useAct } from "@/aws/live"
import { Confirm } from "@/parts/confirm"

type Props = {
  endpoint: DescribeEndpointOutput
  config: DescribeEndpointConfigOutput | undefined
  onNo: () => void
}

export function Delete({ endpoint, config, onNo }: Props) {
  const navigate = useNavigate()
  const name = endpoint.EndpointName ?? ""
  const variants = [...(config?.ProductionVariants ?? []), ...(config?.ShadowProductionVariants ?? [])]
  const models = [...new Set(variants.flatMap((one) => one.ModelName ?? []))]
  const [withConfig, setWithConfig] = useState(false)
  const [withModels, setWithModels] = useState(false)
  const remove = useAct(async () => {
    const sagemaker = aws(SageMakerClient)
    await sagemaker.send(new DeleteEndpointCommand({ EndpointName: name }))
    if (config && withConfig) {
      await sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: config.EndpointConfigName }))
    }
    if (withModels) {
      for (const ModelName of models) await sagemaker.send(new DeleteModelCommand({ ModelName }))
    }
    navigate("/endpoints")
  }, `${name} is being deleted`)
  return (
    <Confirm
      title={`Delete ${name}?`}
      verb="Delete"
      typed={name}
      busy={remove.isPending}
      error={remove.error}
      onYes={() => remove.mutate(undefined)}
      onNo={onNo}
    >
      <SpaceBetween size="s">
        <span>
          Its instances end at once, and requests are refused from then on. Captured data, metrics and logs stay.
        </span>
        {config && (
          <Checkbox
            checked={withConfig}
            onChange={({ detail }) => setWithConfig(detail.checked)}
            description="Endpoints that serve go on without it, but no new one can be made of it."
          >
            Delete its configuration {config.EndpointConfigName} too
          </Checkbox>
        )}
        {models.length > 0 && (
          <Checkbox
            checked={withModels}
            onChange={({ detail }) => setWithModels(detail.checked)}
            description="The artifact in S3 and the version in the registry stay."
          >
            Delete its {models.length === 1 ? `model ${models[0]}` : `models ${models.join(", ")}`} too
          </Checkbox>
        )}
      </SpaceBetween>
    </Confirm>
  )
}
