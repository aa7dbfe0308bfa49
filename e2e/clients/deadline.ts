/** Default limit of every wait, in milliseconds. */
export const defaultDeadline = 15_000

/**
 * Waits for `promise` at most `milliseconds`, then fails with a sentence that ends in what `describe` tells.
 * The promise itself goes on; its late failure is nobody's business.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  milliseconds: number,
  describe: () => string,
): Promise<T> {
  const { promise: expiry, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`After ${milliseconds} ms: ${describe()}`))
  }, milliseconds)
  try {
    return await Promise.race([promise, expiry])
  } finally {
    clearTimeout(timer)
  }
}
