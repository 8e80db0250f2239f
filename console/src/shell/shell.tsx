/** The frame around every page: top bar, navigation, breadcrumbs, what was said last. */
import AppLayout from "@cloudscape-design/components/app-layout"
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group"
import SideNavigation, { type SideNavigationProps } from "@cloudscape-design/components/side-navigation"
import TopNavigation from "@cloudscape-design/components/top-navigation"
import { Suspense, useEffect, useRef, useState } from "react"
import { useLocation } from "react-router"
import { endpoint, region, version } from "@/aws/place"
import { Waiting } from "@/parts/waiting"
import { signOut } from "@/session/session"
import { Failure } from "./failure"
import { FlashList } from "./flash"
import { consoleHref, useFollow } from "./link"
import { Pages } from "./pages"
import { chooseTheme, useTheme } from "./theme"
import { useCrumbs } from "./title"
import { useWho } from "./who"

const link = (text: string, to: string): SideNavigationProps.Link => ({ type: "link", text, href: consoleHref(to) })

const NAVIGATION: SideNavigationProps.Item[] = [
  link("Home", "/"),
  link("Examples", "/examples"),
  { type: "divider" },
  link("Pipelines", "/pipelines"),
  {
    type: "section",
    text: "Jobs",
    items: [
      link("Training", "/jobs/training"),
      link("Processing", "/jobs/processing"),
      link("Transform", "/jobs/transform"),
      link("Tuning", "/jobs/tuning"),
      link("Glue", "/jobs/glue"),
    ],
  },
  link("Models", "/models"),
  link("Endpoints", "/endpoints"),
  {
    type: "section",
    text: "Data",
    items: [link("Files", "/data/s3"), link("Catalog", "/data/catalog"), link("SQL", "/data/sql")],
  },
  {
    type: "section",
    text: "Operate",
    items: [
      link("Metrics", "/operate/metrics"),
      link("Alarms", "/operate/alarms"),
      link("Logs", "/operate/logs"),
      link("Events", "/operate/events"),
      link("Audit", "/operate/audit"),
      link("Users and roles", "/operate/users"),
    ],
  },
]

/** The link of the navigation that leads nearest to where we are. */
export function nearest(path: string, items: readonly SideNavigationProps.Item[] = NAVIGATION): string {
  const hrefs = items
    .flatMap((one) => ("items" in one ? one.items : [one]))
    .flatMap((one) => ("href" in one ? [one.href] : []))
  const here = consoleHref(path)
  const found = hrefs.filter((href) => here === href || here.startsWith(href.endsWith("/") ? href : `${href}/`))
  return found.sort((a, b) => b.length - a.length)[0] ?? ""
}

const CLOSE = "Close the navigation"

/** Up to this width, in px, the navigation covers the page. */
const NARROW = 900

export function Shell() {
  const follow = useFollow()
  const { pathname } = useLocation()
  const crumbs = useCrumbs()
  const theme = useTheme()
  const who = useWho()
  const [open, setOpen] = useState(innerWidth > NARROW)
  // The layout closes the navigation by itself, too, when it measures itself before the window has its size; on a wide
  // window only a person does.
  const closing = useRef(false)
  useEffect(() => {
    const note = ({ target }: MouseEvent) => {
      closing.current = target instanceof Element && target.closest(`[aria-label="${CLOSE}"]`) !== null
    }
    document.addEventListener("click", note, { capture: true })
    return () => document.removeEventListener("click", note, { capture: true })
  }, [])
  return (
    <>
      <div id="top" className="clary-top">
        <TopNavigation
          identity={{
            href: consoleHref("/"),
            title: "Clary",
            logo: { src: `${import.meta.env.BASE_URL}mark.svg`, alt: "" },
            onFollow: follow,
          }}
          utilities={[
            {
              type: "button",
              iconName: theme === "dark" ? "star-filled" : "star",
              text: theme === "dark" ? "Light" : "Dark",
              title: `Show the ${theme === "dark" ? "light" : "dark"} theme`,
              ariaLabel: `Show the ${theme === "dark" ? "light" : "dark"} theme`,
              onClick: () => chooseTheme(theme === "dark" ? "light" : "dark"),
            },
            {
              type: "menu-dropdown",
              text: who.name,
              description: who.arn,
              iconName: "user-profile",
              ariaLabel: `${who.name}: who you are`,
              items: [
                { id: "place", text: `${endpoint()} · ${region()}`, disabled: true },
                { id: "version", text: `Clary ${version() || "(development)"}`, disabled: true },
                { id: "out", text: "Sign out" },
              ],
              onItemClick: ({ detail }) => detail.id === "out" && signOut(),
            },
          ]}
          i18nStrings={{ overflowMenuTriggerText: "More", overflowMenuTitleText: "All" }}
        />
      </div>
      <AppLayout
        headerSelector="#top"
        toolsHide
        maxContentWidth={1640}
        navigationOpen={open}
        onNavigationChange={({ detail }) => {
          if (detail.open || closing.current || innerWidth <= NARROW) setOpen(detail.open)
          closing.current = false
        }}
        navigation={
          <SideNavigation
            items={NAVIGATION}
            activeHref={nearest(pathname)}
            onFollow={(event) => {
              follow(event)
              if (innerWidth <= NARROW) setOpen(false) // it covers the page that was asked for
            }}
          />
        }
        breadcrumbs={
          crumbs.length > 1 ? (
            <BreadcrumbGroup
              items={crumbs.map((one) => ({ text: one.text, href: consoleHref(one.href) }))}
              onFollow={follow}
              ariaLabel="Where you are"
            />
          ) : undefined
        }
        notifications={<FlashList />}
        stickyNotifications
        ariaLabels={{
          navigation: "Areas",
          navigationToggle: "Open the navigation",
          navigationClose: CLOSE,
          notifications: "Messages",
        }}
        content={
          <Failure key={pathname}>
            <Suspense fallback={<Waiting />}>
              <Pages />
            </Suspense>
          </Failure>
        }
      />
    </>
  )
}
