/** S3's rules of bucket names, said one at a time. */

/** Why a bucket cannot be called so; "" when it can, or nothing was typed yet. */
export function bucketNameProblem(name: string): string {
  if (name === "") return ""
  if (/[A-Z]/.test(name)) return "Only small letters: bucket names are parts of host names"
  if (/[^a-z0-9.-]/.test(name)) return "Only letters, digits, hyphens and dots"
  if (name.length < 3) return "At least 3 characters"
  if (name.length > 63) return "At most 63 characters"
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return "It must begin and end with a letter or a digit"
  if (name.includes("..")) return "No two dots in a row"
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return "It must not look like an IP address"
  const start = ["xn--", "sthree-", "amzn-s3-demo-"].find((one) => name.startsWith(one))
  if (start) return `Names that begin with ${start} are reserved`
  const end = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].find((one) => name.endsWith(one))
  return end ? `Names that end with ${end} are reserved` : ""
}
