/** What was read of a thing holds while its key does: one look at many things asks anew only for those that changed. */
import { isMissing } from "@/aws/live"

/** Undefined: it was deleted between the list and the look at it. A failed look is not remembered. */
export function remembering<T>() {
  const known = new Map<string, Promise<T>>()
  return async (key: string, read: () => Promise<T>): Promise<T | undefined> => {
    const asked = known.get(key) ?? read()
    known.set(key, asked)
    try {
      return await asked
    } catch (error) {
      known.delete(key)
      if (isMissing(error)) return undefined
      throw error
    }
  }
}
