/** Whether two values of plain data say the same, in whatever order their keys stand and whoever made them. */
export function isSameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (!isGroup(left) || !isGroup(right)) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const keys = Object.keys(left)
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSameValue(left[key], right[key]))
  )
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
