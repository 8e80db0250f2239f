import { fileURLToPath } from "node:url"
import react from "@vitejs/plugin-react"
import { defineConfig } from "vitest/config"
import { appSource } from "./tools/source.ts"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// `npm run dev` shows the sources as they are edited, over a running Clary: CLARY_URL=http://127.0.0.1:4810 npm run dev
const clary = process.env.CLARY_URL ?? "http://127.0.0.1:4810"

export default defineConfig({
  base: "/console/",
  plugins: [react(), appSource()],
  resolve: { alias: { "@": here("./src") } },
  build: {
    outDir: here("../src/clary/services/signin/static"),
    emptyOutDir: true,
    target: "es2022",
    // Browsers that know light-dark() themselves: compiled away, it would follow no theme that is chosen in the page.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    chunkSizeWarningLimit: 2000,
    rollupOptions: { input: { console: here("./index.html"), app: here("./app.html") } },
  },
  server: {
    // Everything that is no source of the console is the server's. The Host stays: it is part of what is signed.
    proxy: { "^/(?!console/)": { target: clary, changeOrigin: false } },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], setupFiles: ["./src/testing.ts"] },
})
