/** What the console knows of the pages of models. */
export { PageOfEndpoint } from "./page-of-endpoint"
