/** Whether a Content-Type is JSON as we read it. */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  if (type.trim() !== 'application/json') return false
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  return charset === undefined || /^charset="?utf-?8"?$/.test(charset)
}

/** Whether a body came as it is. */
export function isPlainEncoding(contentEncoding: string | undefined): boolean {
  return contentEncoding === undefined || /^\s*(?:identity)?\s*$/i.test(contentEncoding)
}

/** Whether all of these types may be answered with (RFC 9110, "Accept"). Without the header all may. */
export function accepts(accept: string | undefined, types: readonly string[]): boolean {
  if (accept === undefined) return true
  const ranges = accept.toLowerCase().split(',').map(toRange)
  return types.every((type) => {
    const exact = ranges.filter((range) => range.type === type)
    const half = ranges.filter((range) => range.type === `${type.split('/')[0] ?? ''}/*`)
    const any = ranges.filter((range) => range.type === '*/*')
    // The range that says most of the type counts.
    const telling = [exact, half, any].find((found) => found.length > 0) ?? []
    return telling.some(({ isWanted }) => isWanted)
  })
}

function toRange(text: string): { type: string; isWanted: boolean } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim())
  return { type, isWanted: !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter)) }
}
