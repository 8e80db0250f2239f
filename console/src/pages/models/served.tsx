/** Where something serves: links to endpoints, with the version or share where that tells more. */

import { percent, words } from "@/parts/format"
import { moving } from "@/parts/status"
import { To } from "@/shell/link"
import type { Serving } from "./serving"
import "./models.css"

type Props = {
  serving: readonly Serving[]
  /** The group, whose version at each endpoint is told. */
  group?: string
}

export function Served({ serving, group }: Props) {
  if (serving.length === 0) return <>–</>
  return (
    <ul className="clary-plain-list">
      {serving.map((one) => {
        const versions = group === undefined ? "" : versionsAt(one, group)
        return (
          <li key={one.endpoint} className="clary-served">
            <To to={`/endpoints/${one.endpoint}`}>{one.endpoint}</To>
            {versions && (
              <>
                {" "}
                · <span className="clary-nowrap">{versions}</span>
              </>
            )}
            {one.status !== "InService" &&
              ` · ${moving(one.status) ? words(one.status).toLowerCase() : words(one.status)}`}
          </li>
        )
      })}
    </ul>
  )
}

/** "version 3", or with shares where several variants serve: "version 3 (90 %), version 4 (10 %)". */
export function versionsAt(serving: Serving, group: string): string {
  const sum = serving.variants.reduce((all, one) => all + (one.weight ?? 0), 0)
  return serving.variants
    .flatMap((one) => {
      const [of, version] = one.package?.split(":model-package/")[1]?.split("/") ?? []
      if (of !== group || version === undefined) return []
      const share = serving.variants.length > 1 && sum > 0 ? ` (${percent((one.weight ?? 0) / sum, 0)})` : ""
      return [`version ${version}${share}`]
    })
    .join(", ")
}
