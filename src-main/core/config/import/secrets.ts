import { isSecretName, looksSecret, mask } from '#core/observe/redact.ts'
import type { ServerEntry } from './entry.ts'
import { toKeyText } from '../fault.ts'
import { isRandom, maskPathParts } from '../shown-address.ts'
import type { Path } from '../syntax/config-node.ts'

/** An entry that can be shown, and where in it secrets stand in plain text, such as `env.API_KEY`. */
interface MaskedEntry {
  readonly masked: ServerEntry
  readonly secrets: readonly string[]
}

/** Programs of which the option -p has the password right behind it. */
const shortPasswordPrograms = /(?:^|[\\/])(?:mysql|mysqldump|mysqladmin|mariadb)(?:\.exe)?$/

/** Masks whatever looks like a secret in the texts of a server. Environment variables in their place are none. */
export function maskEntry(entry: ServerEntry): MaskedEntry {
  const secrets: string[] = []
  const words = [
    entry['command'],
    ...(Array.isArray(entry['args']) ? (entry['args'] as readonly unknown[]) : []),
  ]
  const hasShortPassword = words.some((word) => typeof word === 'string' && shortPasswordPrograms.test(word))
  const visit = (value: unknown, path: Path, flag: string | undefined): unknown => {
    if (typeof value === 'string') {
      const isShort = hasShortPassword && path[0] === 'args' && /^-p[^\s-]/.test(value)
      const masked = isShort ? `-p${mask}` : maskText(value, path, flag)
      if (masked !== value) secrets.push(toKeyText(path))
      return masked
    }
    if (Array.isArray(value)) {
      const items: readonly unknown[] = value
      return items.map((item, index) => visit(item, [...path, index], toFlag(items[index - 1])))
    }
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, visit(inner, [...path, key], undefined)]),
    )
  }
  return { masked: visit(entry, [], undefined) as ServerEntry, secrets }
}

/** A name of an option that takes the next argument, such as `--token`. */
function toFlag(argument: unknown): string | undefined {
  return typeof argument === 'string' && /^--?[A-Za-z][\w-]*$/.test(argument) ? argument : undefined
}

function maskText(text: string, path: Path, flag: string | undefined): string {
  const own = withoutTokens(text)
  if (!isFilled(own)) return text
  const key = path.at(-1)
  // Keys of our own words, such as "command", are none of a secret.
  const isNamed = path.length > 1 && typeof key === 'string' && isSecretName(key)
  const isAfterFlag = flag !== undefined && isSecretName(flag) && !/^-(?:-[A-Za-z]|[A-Za-z]$)/.test(text)
  if (isNamed || isAfterFlag) return mask
  const [, name, value] = /^(-{0,2}[A-Za-z][\w.-]*(?:=|:\s*))(?!\/\/)([^]*)$/.exec(text) ?? []
  if (name !== undefined && isSecretName(name) && isFilled(withoutTokens(value ?? '')))
    return `${name}${mask}`
  const masked = maskPairs(/^[\w+.-]+:\/\//.test(text) ? maskAddress(text) : text)
  return looksSecret(withoutTokens(masked)) ? mask : masked
}

// A token, or a name and what stands between it and its value. Begins only where a word does: so it takes linear time.
const pairPattern =
  /\$?\$\{[^{}]*\}|\{(?:env|file):[^{}]*\}|(?<![\w.-])([\w.-]+)\\{0,9}["']?\s{0,9}[:=](?!\/\/)\s{0,9}/g
// In quotes, in quotes that are escaped themselves, or up to where the next word begins.
const valuePattern =
  /\\+"(?:[^"\\]|\\(?!"))*|"(?:[^"\\]|\\.)*|'[^']*|(?:\$?\$\{[^{}]*\}|\{(?:env|file):[^{}]*\}|[^"'\s;&])+/y

/** A text without the values after secret names in it: `{"token":"…"}`, `API_KEY=… node x`, `Server=x;Password=…`. */
function maskPairs(text: string): string {
  let masked = ''
  let from = 0
  for (const { 0: found, 1: name, index } of text.matchAll(pairPattern)) {
    const at = index + found.length
    if (index < from) continue
    if (name === undefined) {
      masked += text.slice(from, index) + maskDefault(found)
      from = at
      continue
    }
    valuePattern.lastIndex = at
    const value = isSecretName(name) || isPassword(name, text) ? valuePattern.exec(text)?.[0] : undefined
    const bare = withoutTokens(value ?? '').replaceAll(/^[\\"']+|[}\],]+$/g, '')
    if (value === undefined || /^[{[(]*$/.test(bare) || !isFilled(bare)) continue
    const quote = /^\\*["']?/.exec(value)?.[0] ?? ''
    masked += `${text.slice(from, at)}${quote}${mask}`
    from = at + value.length
  }
  return masked + text.slice(from)
}

/** Alone it is the working directory; not in a connection string. */
function isPassword(name: string, text: string): boolean {
  return name.toLowerCase() === 'pwd' && text.includes(';')
}

/** A token of which the default is a secret: that stands there in plain text. */
function maskDefault(token: string): string {
  const [, start, name, value] = /^(\$\{(\w+):?-)([^]+)\}$/.exec(token) ?? []
  return name !== undefined && isSecretName(name) && isFilled(value ?? '') ? `${start}${mask}}` : token
}

/** Without tokens of ours and of editors; defaults in them stay, since those are plain text. */
function withoutTokens(text: string): string {
  return text.replaceAll(/\$?\$\{[^{}]*\}|\{(?:env|file):[^{}]*\}/g, (token) => {
    return token.startsWith('${') ? token.slice(2, -1).replace(/^[^:-]*:?-?/, '') : ''
  })
}

function isFilled(text: string): boolean {
  const value = text.replace(/^(?:bearer|basic|token)\s*/i, '').trim()
  return value !== '' && value !== 'true' && value !== 'false'
}

/** An address without its password, and without parameters and parts of its path that look like keys. */
function maskAddress(text: string): string {
  const masked = text
    // Up to the last @: a password may hold others.
    .replace(/^([\w+.-]+:\/\/)[^/?#]+@/, (found, scheme: string) =>
      looksSecret(found) ? `${scheme}${mask}@` : found,
    )
    .replaceAll(/([?&])([^=&#?]+)=([^&#]+)/g, (found, mark: string, name: string, value: string) => {
      const isSecret = (isSecretName(name) && isFilled(withoutTokens(value))) || isRandom(value)
      return isSecret ? `${mark}${name}=${mask}` : found
    })
  return maskPathParts(masked)
}
