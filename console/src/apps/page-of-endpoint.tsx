/** The page that an endpoint's users see: its link, who may use it, and how it is made, changed and ended. */
import "./apps.css"
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import ButtonDropdown from "@cloudscape-design/components/button-dropdown"
import Container from "@cloudscape-design/components/container"
import Header from "@cloudscape-design/components/header"
import Link from "@cloudscape-design/components/link"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { useState } from "react"
import { useAct, useLive } from "@/aws/live"
import { Confirm } from "@/parts/confirm"
import { Copy } from "@/parts/copy"
import { Empty } from "@/parts/empty"
import { Facts } from "@/parts/facts"
import { count } from "@/parts/format"
import { Problem } from "@/parts/problem"
import { S3 } from "@/parts/s3"
import { Ago } from "@/parts/time"
import { Waiting } from "@/parts/waiting"
import { Edit } from "./edit"
import { linkOf } from "./names"
import { Qr } from "./qr"
import { type App, readApp, removeApp, renewToken } from "./wire"

type Asking = "edit" | "token" | "remove" | null

export function PageOfEndpoint({ endpoint }: { endpoint: string }) {
  const app = useLive(["app", endpoint], () => readApp(endpoint), { keep: false })
  const [asking, setAsking] = useState<Asking>(null)
  const [token, setToken] = useState("")
  const close = () => setAsking(null)
  const renew = useAct(() => renewToken(endpoint), "The page has a new token. The old one no longer opens it.")
  const remove = useAct(() => removeApp(endpoint), `The page of ${endpoint} is gone.`)
  const found = app.data

  return (
    <Container
      header={
        <Header
          variant="h2"
          description="A form for people who are given its link: no keys, no console."
          actions={
            found && (
              <SpaceBetween direction="horizontal" size="xs">
                <ButtonDropdown
                  items={[
                    { id: "edit", text: "Change" },
                    { id: "token", text: "New token", disabled: found.access !== "token" },
                    { id: "remove", text: "Remove" },
                  ]}
                  onItemClick={({ detail }) => setAsking(detail.id as Asking)}
                >
                  Actions
                </ButtonDropdown>
                <Button iconName="external" iconAlign="right" href={linkOf(endpoint)} target="_blank">
                  Open
                </Button>
              </SpaceBetween>
            )
          }
        >
          Page
        </Header>
      }
    >
      {app.isPending ? (
        <Waiting />
      ) : app.error && found === undefined ? (
        <Problem error={app.error} again={() => void app.refetch()} header="The page could not be read" />
      ) : found ? (
        <Made endpoint={endpoint} app={found} token={token} />
      ) : (
        <Empty
          title="This endpoint has no page"
          action={<Button onClick={() => setAsking("edit")}>Make a page</Button>}
        >
          A page asks this model alone, at most as often a minute as you say, and never with your keys.
        </Empty>
      )}
      {asking === "edit" && (
        <Edit
          endpoint={endpoint}
          app={found ?? null}
          onDismiss={close}
          onDone={(made) => {
            setToken(made)
            close()
          }}
        />
      )}
      {asking === "token" && (
        <Confirm
          title="Make a new token?"
          verb="Make a new token"
          busy={renew.isPending}
          error={renew.error}
          onNo={close}
          onYes={() =>
            renew.mutate(undefined, {
              onSuccess: (made) => {
                setToken(made)
                close()
              },
            })
          }
        >
          Whoever has the old token can no longer use the page.
        </Confirm>
      )}
      {asking === "remove" && (
        <Confirm
          title="Remove the page?"
          verb="Remove"
          busy={remove.isPending}
          error={remove.error}
          onNo={close}
          onYes={() =>
            remove.mutate(undefined, {
              onSuccess: () => {
                setToken("")
                close()
              },
            })
          }
        >
          Its link leads nowhere from then on. The endpoint stays, and so does the page's document in S3.
        </Confirm>
      )}
    </Container>
  )
}

function Made({ endpoint, app, token }: { endpoint: string; app: App; token: string }) {
  const secret = app.access === "token" ? token : ""
  const link = linkOf(endpoint, secret)
  const here = /^(localhost|127\.|\[::1\])/.test(location.hostname)
  return (
    <SpaceBetween size="m">
      {secret && (
        <Alert type="success" header="The token is shown once: copy the link now">
          <SpaceBetween size="xxs">
            <Copy text={link} shown={link} label="Copy the link with its token" />
            <Box variant="small">Only a digest of it is kept. Whoever loses it needs a new one.</Box>
          </SpaceBetween>
        </Alert>
      )}
      <div className="clary-app">
        <SpaceBetween size="m">
          <Facts
            columns={2}
            facts={[
              [
                "Link",
                <span key="link" className="clary-copy">
                  <Link href={linkOf(endpoint)} external>
                    <span className="clary-break">{linkOf(endpoint)}</span>
                  </Link>
                  <Copy text={linkOf(endpoint)} label="Copy the link" />
                </span>,
              ],
              ["Who may use it", app.access === "public" ? "Everybody with the link" : "Everybody with the token"],
              ["Requests a minute", `${count(app.rate)} from one address`],
              ["Form", app.document ? <S3 key="s3" uri={app.document} /> : "None: a box for the raw body"],
              ["Made", <Ago key="made" when={app.made} />],
              ["Last used", app.used ? <Ago key="used" when={app.used} /> : "–"],
            ]}
          />
          {here && (
            <Box color="text-body-secondary" variant="small">
              This address works on this machine alone. To share the page, open the console by the machine's name.
            </Box>
          )}
        </SpaceBetween>
        <Qr text={link} label={secret ? "QR code of the link with its token" : "QR code of the link"} />
      </div>
    </SpaceBetween>
  )
}
