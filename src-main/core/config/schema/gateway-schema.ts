import { isIP, isIPv6 } from 'node:net'
import { z } from 'zod'
import { isLoopback, withoutBrackets } from '../loopback.ts'
import { checkedText, group, oneOf, wholeNumber } from './value-schemas.ts'

const hostForm = 'an IP address or a name, such as 127.0.0.1 or localhost, without scheme and port'
const allowedHostForm =
  'a host with or without its port, such as example.com or example.com:8443, without scheme and path, and not *'
const originForm =
  'an origin as browsers send it, such as https://example.com or https://example.com:8443, without path, ' +
  'or, for extensions, chrome-extension://*'

/** Whether this is a name of a computer: a last part that is a number would make it a misspelt IP address. */
function isHostName(text: string): boolean {
  const labels = text.split('.')
  const isNumber = /^(?:\d+|0x[\da-f]*)$/i.test(labels.at(-1) ?? '')
  return !isNumber && labels.every((label) => /^\w(?:[\w-]{0,61}\w)?$/.test(label))
}

function isListenHost(text: string): boolean {
  const bare = withoutBrackets(text)
  return bare === text ? isIP(text) !== 0 || isHostName(text) : isIPv6(bare)
}

/** As the header Host has it: an IPv6 address in brackets. */
function isAllowedHost(text: string): boolean {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? []
  const isPort = port === undefined || (Number(port) > 0 && Number(port) < 65_536)
  return isPort && isListenHost(host)
}

/** `https://*` would be every page of the web: only schemes of extensions and the like may have any host. */
function isOrigin(text: string): boolean {
  if (/^https?:/i.test(text))
    return URL.canParse(text) && new URL(text).origin === text && !text.includes('*')
  return /^[a-z][a-z\d+.-]*:\/\/(?:\*|[\w.-]+(?::\d{1,5})?)$/.test(text)
}

function toListOf(form: string, isRight: (text: string) => boolean) {
  const entry = checkedText(form, (text) => (isRight(text) ? undefined : form))
  return z.array(entry, 'a list of text').default([])
}

/** What clients reach, and where. */
export const gatewaySchema = group({
  host: checkedText(hostForm, (text) => (isListenHost(text) ? undefined : hostForm))
    .default('127.0.0.1')
    .describe('Address to listen on'),
  port: wholeNumber(0, 65_535).default(7411).describe('Port to listen on; 0 takes a free one'),
  auth: oneOf(['token', 'none'])
    .default('token')
    .describe('What clients have to show; none only where no other computer can reach Patchbay'),
  naming: oneOf(['server__tool', 'mcp__proxy__server__tool', 'tool'])
    .default('server__tool')
    .describe('How clients see the names of tools'),
  maxToolNameLength: wholeNumber(16, 128)
    .default(50)
    .describe('Longer names are cut and get a hash at their end'),
  allowedHosts: toListOf(allowedHostForm, isAllowedHost).describe(
    'Values of the Host header to accept besides our own',
  ),
  allowedOrigins: toListOf(originForm, isOrigin).describe(
    'Values of the Origin header to accept besides our own',
  ),
}).refine(({ auth, host }) => auth !== 'none' || isLoopback(host), {
  path: ['auth'],
  message: 'token, since other computers can reach this host; none needs a host such as 127.0.0.1',
})
