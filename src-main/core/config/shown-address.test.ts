import { expect, it } from 'vitest'
import { maskPathParts, toShownAddress } from './shown-address.ts'

it.each([
  ['https://example.com/mcp?api_key=hush&a=b', 'https://example.com/mcp'],
  ['https://example.com/s/abcdefghijklmnop0123456789/mcp', 'https://example.com/s/•••/mcp'],
  ['https://example.com/s/ZDQ5OWU4YTItMGYwZi00==/mcp', 'https://example.com/s/•••/mcp'],
  ['https://example.com/s/ZDQ5OWU4YTItMGYwZi00%3D%3D/mcp', 'https://example.com/s/•••/mcp'],
  ['https://example.com/%61bcdefgh12345678/mcp', 'https://example.com/•••/mcp'],
  ['https://example.com/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.abc', 'https://example.com/•••'],
  ['https://example.com/bot123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/x', 'https://example.com/•••/x'],
  ['https://example.com/a1b2c3d4e5f6a7b8', 'https://example.com/•••'],
  ['https://example.com/key+a1b2c3d4e5f6a7b8@x~y/mcp', 'https://example.com/•••/mcp'],
  ['https://a1b2c3d4e5f6a7b8c9.example.com:8443/mcp', 'https://•••.example.com:8443/mcp'],
  ['https://example.com/my-mcp-server-v2/2025-11-25', 'https://example.com/my-mcp-server-v2/2025-11-25'],
  ['https://example.com/modelcontextprotocol/stream', 'https://example.com/modelcontextprotocol/stream'],
  ['https://example.com/100%/mcp', 'https://example.com/100%/mcp'],
  ['http://127.0.0.1:8000/sse', 'http://127.0.0.1:8000/sse'],
  ['HTTPS://Example.com', 'https://example.com/'],
  ['http://[::1]:80/\u202Ea', 'http://[::1]/%E2%80%AEa'],
])('%s is shown as %s', (url, shown) => {
  expect(toShownAddress(url)).toBe(shown)
})

it.each([
  ['https://x.com/a1b2c3d4e5f6a7b8/mcp?a=b/c#d', 'https://x.com/•••/mcp?a=b/c#d'],
  [
    'https://x.com/${MY_VERY_LONG_TOKEN_NAME_123456}/mcp',
    'https://x.com/${MY_VERY_LONG_TOKEN_NAME_123456}/mcp',
  ],
  ['{env:ADDRESS_OF_THE_SERVER_123456}/mcp', '{env:ADDRESS_OF_THE_SERVER_123456}/mcp'],
  ['', ''],
])('%s without what looks like keys is %s', (address, shown) => {
  expect(maskPathParts(address)).toBe(shown)
})
