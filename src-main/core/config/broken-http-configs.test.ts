// What people get wrong about servers behind an address and about the gateway, and where they are told it stands.
import { expect, it } from 'vitest'
import { parseConfig } from './read-config.ts'

/** The keys of the group, on lines from the third or fourth on; the line, the key in the group, and what is said. */
type Row = readonly [keys: string, line: number, key: string, says: string]

const serverRows: readonly Row[] = [
  ['type: http\nheaders: {}', 3, 'url', 'The key "url" is missing; expected an address like https://'],
  ['type: sse', 3, 'url', 'The key "url" is missing'],
  ['url: example.com/mcp', 4, 'url', 'Expected an address like https://example.com/mcp.'],
  ['url: ftp://example.com/mcp', 4, 'url', 'an address like https://'],
  ['url: "http://h/\\u001b[2J"', 4, 'url', 'an address like https://'],
  ['url: https://me:hush@example.com/mcp', 4, 'url', 'without a name or password in it'],
  ['url: https://me@example.com/mcp', 4, 'url', 'send them in a header'],
  ['url: ${NONE:-https://me:hush@example.com}', 4, 'url', 'without a name or password in it'],
  ['url: https://example.com/mcp#top', 4, 'url', 'without a # and what follows it'],
  ['url: http://h/\ncommand: x', 4, 'url', 'both a command and a url'],
  ['url: http://h/\ncwd: /srv', 5, 'cwd', 'The key "cwd" belongs to type stdio'],
  ['url: http://h/\nargs: [x]', 5, 'args', 'The key "args" belongs to type stdio'],
  ['type: sse\nurl: http://h/\nenv: { A: b }', 6, 'env', 'The key "env" belongs to type stdio'],
  [
    'url: http://h/\nheaders:\n  X Team: a',
    6,
    'headers["X Team"]',
    'the name of a header: letters, digits and hyphens',
  ],
  [
    'url: http://h/\nheaders:\n  content-LENGTH: "1"',
    6,
    'headers.content-LENGTH',
    'another header, since Patchbay sets this one itself',
  ],
  [
    'url: http://h/\nheaders:\n  MCP-Protocol-Version: x',
    6,
    'headers.MCP-Protocol-Version',
    'since Patchbay sets this one itself',
  ],
  ['url: http://h/\nheaders:\n  A: x\n  B: "x\\r\\nHost: y"', 7, 'headers.B', 'text without line breaks'],
  ['url: http://h/\nheaders:\n  A: "x\\0"', 6, 'headers.A', 'text that a header can carry'],
  ['url: http://h/\nheaders:\n  A: 日本', 6, 'headers.A', 'text that a header can carry'],
  ['url: http://h/\nheaders:\n  A: 1', 6, 'headers.A', 'quotes make it text'],
  ['url: http://h/\nheaders: x', 5, 'headers', 'a group of keys with text'],
  [
    'url: http://h/\nheaders:\n  Authorization: a\n  authorization: b',
    7,
    'headers.authorization',
    'each header once',
  ],
  ['url: http://h/\nheader: { A: b }', 5, 'header', 'did you mean "headers"?'],
]

const gatewayRows: readonly Row[] = [
  ['host: http://127.0.0.1', 3, 'host', 'without scheme and port'],
  ['host: 127.0.0.1:7411', 3, 'host', 'an IP address or a name'],
  ['host: 127.0.0.300', 3, 'host', 'an IP address or a name'],
  ['host: ""', 3, 'host', 'an IP address or a name'],
  ['port: 65536', 3, 'port', 'a whole number from 0 to 65535'],
  ['host: 0.0.0.0\nauth: none', 4, 'auth', 'token, since other computers can reach this host'],
  ['auth: none\nhost: ${HOST:-example.com}', 3, 'auth', 'none needs a host such as 127.0.0.1'],
  ['host: "::"\nauth: ${AUTH:-none}', 4, 'auth', 'token, since other computers can reach this host'],
  ['auth: password', 3, 'auth', 'one of token, none'],
  ['allowedHosts: [h, "*"]', 3, 'allowedHosts[1]', 'such as example.com or example.com:8443'],
  ['allowedHosts:\n  - https://h', 4, 'allowedHosts[0]', 'without scheme and path'],
  ['allowedHosts:\n  - h/mcp', 4, 'allowedHosts[0]', 'without scheme and path'],
  ['allowedHosts:\n  - h:0', 4, 'allowedHosts[0]', 'such as example.com'],
  ['allowedOrigins: h', 3, 'allowedOrigins', 'a list of text'],
  [
    'allowedOrigins: ["null"]',
    3,
    'allowedOrigins[0]',
    'an origin as browsers send it, such as https://example.com',
  ],
  ['allowedOrigins: ["*"]', 3, 'allowedOrigins[0]', 'chrome-extension://*'],
  ['allowedOrigins: ["https://*"]', 3, 'allowedOrigins[0]', 'an origin as browsers send it'],
  ['allowedOrigins: ["https://h/"]', 3, 'allowedOrigins[0]', 'without path'],
]

function expectProblem(text: string, wanted: { line: number; key: string; says: string }): void {
  const result = parseConfig(text, 'c.yaml', {})
  const { line, key, says } = wanted
  const message = expect.stringContaining(says) as string
  expect(result.ok ? [] : result.problems).toMatchObject([{ line, key, message }])
  expect(JSON.stringify(result)).not.toContain('hush')
}

it.each(serverRows)('a server with %j is refused on line %i, at “%s”: %s', (keys, line, key, says) => {
  const text = `version: 1\nservers:\n  a:\n    ${keys.replaceAll('\n', '\n    ')}\n`
  expectProblem(text, { line, key: `servers.a.${key}`, says })
})

it.each(gatewayRows)('a gateway with %j is refused on line %i, at “%s”: %s', (keys, line, key, says) => {
  const text = `version: 1\ngateway:\n  ${keys.replaceAll('\n', '\n  ')}\n`
  expectProblem(text, { line, key: `gateway.${key}`, says })
})
