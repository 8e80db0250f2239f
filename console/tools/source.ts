/** The build's app-source.html: the whole page of a model in one readable file, to start a page of one's own from. */
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "vite"

const ROOT = fileURLToPath(new URL("..", import.meta.url))

const HEAD = `<!doctype html>
<!--
  The page of a model, in one file: no framework, nothing to build, nothing to load.

  To host it anywhere: set the content of clary-base below to the address of the model's page, for example
  https://clary.example.com/apps/my-endpoint, and serve this file as it is. It asks that page's app.json for what the form
  looks like and posts to its invocations; both answer pages of every origin.

  A page that needs a token takes it from the link (#token=...) or asks whoever opens it. Do not write it in here: whoever
  can read this file could then ask the model.

  The styles come first, then the script, each part under the name of its file: logic/ makes fields of a schema, a body of
  values and an answer of a body; views/ draws. Change what you like.
-->
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="clary-base" content="" />
    <meta name="clary-region" content="" />
    <title>A model</title>
    <style>
`

const whole = (css: string, js: string): string =>
  `${HEAD}${css}
    </style>
  </head>
  <body>
    <div id="root"></div>
    <script type="module">
${js.replaceAll("</script", "<\\/script")}
    </script>
  </body>
</html>
`

async function source(): Promise<string> {
  const made = await build({
    root: ROOT,
    configFile: false,
    logLevel: "warn",
    build: {
      write: false,
      minify: false,
      cssMinify: false,
      target: "es2022",
      modulePreload: false,
      rollupOptions: { input: `${ROOT}/src/app/main.ts`, output: { format: "es" } },
    },
  })
  const outputs = (Array.isArray(made) ? made : [made]).flatMap((one) => ("output" in one ? one.output : []))
  let [css, js] = ["", ""]
  for (const one of outputs) {
    if (one.type === "chunk") js += one.code
    else if (one.fileName.endsWith(".css")) css += String(one.source)
  }
  if (!css || !js) throw new Error("app-source.html: the page's build has no script or no styles")
  return whole(css, js)
}

export function appSource(): Plugin {
  return {
    name: "clary-app-source",
    apply: "build",
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: "app-source.html", source: await source() })
    },
  }
}
