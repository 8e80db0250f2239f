import "@cloudscape-design/global-styles/index.css"
import "./shell/shell.css"
import I18nProvider from "@cloudscape-design/components/i18n"
import messages from "@cloudscape-design/components/i18n/messages/all.en"
import { QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { BrowserRouter } from "react-router"
import { Door } from "./session/door"
import { redeemLink } from "./session/link"
import { shareBetweenTabs } from "./session/session"
import { Flashes } from "./shell/flash"
import { Shell } from "./shell/shell"
import { applyTheme } from "./shell/theme"
import { Crumbs } from "./shell/title"

applyTheme()

const queries = new QueryClient({
  defaultOptions: {
    // The SDK has retried already what can be retried.
    queries: { retry: false, refetchOnWindowFocus: true, staleTime: 500, throwOnError: false },
    mutations: { retry: false },
  },
})

const root = document.getElementById("root")
if (root === null) throw new Error("the page has no root")

// The link's code is taken out of the address bar before anything is drawn. Who comes by a link is that person,
// whoever else is signed in in other tabs.
const problem = await redeemLink()
await shareBetweenTabs()

createRoot(root).render(
  <StrictMode>
    {/* Every button that Cloudscape makes by itself has a name for who does not see it. */}
    <I18nProvider locale="en" messages={[messages]}>
      <QueryClientProvider client={queries}>
        <BrowserRouter basename="/console">
          <Flashes>
            <Crumbs>
              <Door problem={problem}>
                <Shell />
              </Door>
            </Crumbs>
          </Flashes>
        </BrowserRouter>
      </QueryClientProvider>
    </I18nProvider>
  </StrictMode>,
)
