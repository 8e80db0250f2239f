/** What every component test needs: nothing of one test is left on the page for the next. */
import { cleanup } from "@testing-library/react"
import { afterEach } from "vitest"

afterEach(cleanup)
