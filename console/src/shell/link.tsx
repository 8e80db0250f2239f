/** Cloudscape's links lead through the router: no page is loaded anew. Hrefs are those of the router, without /console. */

import Link, { type LinkProps } from "@cloudscape-design/components/link"
import { useCallback } from "react"
import { useHref, useNavigate } from "react-router"

type Followed = { detail: { href?: string; external?: boolean; target?: string }; preventDefault: () => void }

/** The `onFollow` of anything of Cloudscape whose href was made by `consoleHref`. */
export function useFollow(): (event: Followed) => void {
  const navigate = useNavigate()
  return useCallback(
    (event) => {
      const { href, external, target } = event.detail
      if (!href?.startsWith("/console") || external || target === "_blank") return
      event.preventDefault()
      navigate(href.slice("/console".length) || "/")
    },
    [navigate],
  )
}

export const consoleHref = (to: string): string => `/console${to}`

export function To({ to, children, ...rest }: { to: string } & Omit<LinkProps, "href" | "onFollow">) {
  const follow = useFollow()
  const href = useHref(to)
  return (
    <Link {...rest} href={href} onFollow={follow}>
      {children}
    </Link>
  )
}
