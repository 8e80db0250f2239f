/** Nobody comes in without a session; whoever has one sees the console. */
import Alert from "@cloudscape-design/components/alert"
import Box from "@cloudscape-design/components/box"
import Button from "@cloudscape-design/components/button"
import Container from "@cloudscape-design/components/container"
import Form from "@cloudscape-design/components/form"
import FormField from "@cloudscape-design/components/form-field"
import Header from "@cloudscape-design/components/header"
import Input from "@cloudscape-design/components/input"
import SpaceBetween from "@cloudscape-design/components/space-between"
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react"
import { forgetClients } from "@/aws/client"
import { inWords } from "@/aws/live"
import { chooseTheme, useTheme } from "@/shell/theme"
import { onSession, session, setSession } from "./session"
import { proofOf, redeem } from "./tokens"

export const useSession = () => useSyncExternalStore(onSession, session)

export function Door({ problem, children }: { problem: string; children: ReactNode }) {
  const signedIn = useSession() !== null
  const [was, setWas] = useState(false)
  useEffect(() => {
    if (signedIn) setWas(true)
    else forgetClients()
  }, [signedIn])
  if (signedIn) return children
  return <SignIn problem={was ? "" : problem} ended={was} />
}

function SignIn({ problem, ended }: { problem: string; ended: boolean }) {
  const [id, setId] = useState("")
  const [secret, setSecret] = useState("")
  const [why, setWhy] = useState(problem)
  const [busy, setBusy] = useState(false)
  const shown = useTheme()
  const other = shown === "dark" ? "light" : "dark"
  useEffect(() => {
    document.title = "Sign in · Clary"
  }, [])
  const signIn = async () => {
    setBusy(true)
    setWhy("")
    try {
      setSession(await redeem(await proofOf(id.trim(), secret.trim())))
    } catch (error) {
      setWhy(inWords(error))
      setBusy(false)
    }
  }
  return (
    <main className="clary-door">
      <div className="clary-door-card">
        <SpaceBetween size="l">
          <div className="clary-door-mark">
            <img src={`${import.meta.env.BASE_URL}mark.svg`} alt="" width={40} height={40} />
            <Box variant="h1">Clary</Box>
            <span className="clary-door-theme">
              <Button
                variant="icon"
                iconName={shown === "dark" ? "star-filled" : "star"}
                ariaLabel={`Show the ${other} theme`}
                onClick={() => chooseTheme(other)}
              />
            </span>
          </div>
          {why && (
            <Alert type="error" header="That did not work">
              {why}
            </Alert>
          )}
          {!why && ended && <Alert type="info">The session has ended. Sign in again to go on where you were.</Alert>}
          <form
            onSubmit={(event) => {
              event.preventDefault()
              if (id && secret) void signIn()
            }}
          >
            <Form
              actions={
                <Button variant="primary" formAction="submit" loading={busy} disabled={!id || !secret}>
                  Sign in
                </Button>
              }
            >
              <Container header={<Header variant="h2">Sign in with access keys</Header>}>
                <SpaceBetween size="m">
                  <FormField label="Access key ID">
                    <Input
                      value={id}
                      onChange={({ detail }) => setId(detail.value)}
                      autoComplete="username"
                      autoFocus
                      spellcheck={false}
                    />
                  </FormField>
                  <FormField label="Secret access key" description="It stays in this page: only a signature is sent.">
                    <Input
                      value={secret}
                      type="password"
                      onChange={({ detail }) => setSecret(detail.value)}
                      autoComplete="current-password"
                    />
                  </FormField>
                </SpaceBetween>
              </Container>
            </Form>
          </form>
          <Box color="text-body-secondary">
            Or use a one-time link. On the machine where Clary runs, this prints one:{" "}
            <Box variant="code">clary console</Box>
          </Box>
        </SpaceBetween>
      </div>
    </main>
  )
}
