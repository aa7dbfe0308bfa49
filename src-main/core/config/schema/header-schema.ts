import { z } from 'zod'
import { checkedText } from './value-schemas.ts'

/** Of the connection or of one message: set for each request, so that nobody else may. */
const reserved: ReadonlySet<string> = new Set([
  ...['accept', 'connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive', 'te'],
  ...['transfer-encoding', 'upgrade', 'mcp-session-id', 'mcp-protocol-version', 'last-event-id'],
])

/** Whether Patchbay sets this header itself, so that it cannot be configured. */
export function isReservedHeader(name: string): boolean {
  return reserved.has(name.toLowerCase())
}

const headerName = checkedText('the name of a header', (name) => {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'the name of a header: letters, digits and hyphens'
  return isReservedHeader(name) ? 'another header, since Patchbay sets this one itself' : undefined
})

const headerValue = checkedText('text', (value) => {
  if (/[\r\n]/.test(value)) return 'text without line breaks'
  return /^[\t\x20-\x7E\x80-\xFF]*$/.test(value)
    ? undefined
    : 'text that a header can carry: Latin letters, digits and signs, no control characters'
})

/** Headers of every request to a server: names of RFC 9110, each once, with values that fit on a line. */
export const headers = z
  .record(headerName, headerValue, 'a group of keys with text')
  .superRefine((given, context) => {
    const names = new Set<string>()
    for (const name of Object.keys(given)) {
      const message = 'each header once, whatever the case of its letters'
      if (names.has(name.toLowerCase())) context.addIssue({ code: 'custom', path: [name], message })
      names.add(name.toLowerCase())
    }
  })
  .optional()
  .describe('Headers sent with every request')
