import { expect, it } from 'vitest'
import { toShownAddress } from './shown-address.ts'

it.each([
  ['https://example.com/mcp?api_key=hush&a=b', 'https://example.com/mcp'],
  ['https://example.com/s/abcdefghijklmnop0123456789/mcp', 'https://example.com/s/•••/mcp'],
  ['http://127.0.0.1:8000/sse', 'http://127.0.0.1:8000/sse'],
  ['HTTPS://Example.com', 'https://example.com/'],
  ['http://[::1]:80/\u202Ea', 'http://[::1]/%E2%80%AEa'],
])('%s is shown as %s', (url, shown) => {
  expect(toShownAddress(url)).toBe(shown)
})
