import { isSecretName, looksSecret } from '#core/observe/redact.ts'
import type { ServerEntry } from './entry.ts'
import { toKeyText } from '../fault.ts'
import type { Path } from '../syntax/config-node.ts'

/** An entry that can be shown, and where in it secrets stand in plain text, such as `env.API_KEY`. */
interface MaskedEntry {
  readonly masked: ServerEntry
  readonly secrets: readonly string[]
}

const mask = '•••'

/** Masks whatever looks like a secret in the texts of a server. Environment variables in their place are none. */
export function maskEntry(entry: ServerEntry): MaskedEntry {
  const secrets: string[] = []
  const visit = (value: unknown, path: Path, flag: string | undefined): unknown => {
    if (typeof value === 'string') {
      const masked = maskText(value, path, flag)
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
  const isAfterFlag = flag !== undefined && isSecretName(flag) && !text.startsWith('-')
  if (isNamed || isAfterFlag) return mask
  const [, name, value] = /^(-{0,2}[A-Za-z][\w.-]*(?:=|:\s*))(?!\/\/)([^]*)$/.exec(text) ?? []
  if (name !== undefined && isSecretName(name) && isFilled(withoutTokens(value ?? '')))
    return `${name}${mask}`
  const masked = /^\w+:\/\//.test(text) ? maskAddress(text) : text
  return looksSecret(withoutTokens(masked)) ? mask : masked
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
  return text
    .replace(/^(\w+:\/\/)[^/?#@]+@/, (found, scheme: string) =>
      looksSecret(found) ? `${scheme}${mask}@` : found,
    )
    .replaceAll(/([?&])([^=&#?]+)=([^&#]+)/g, (found, mark: string, name: string, value: string) => {
      const isSecret = (isSecretName(name) && isFilled(withoutTokens(value))) || isRandom(value)
      return isSecret ? `${mark}${name}=${mask}` : found
    })
    .replaceAll(/(?<=\/)[\w-]+(?=[/?#]|$)/g, (part) => (isRandom(part) ? mask : part))
}

/** Long, and of letters and digits: nobody names things so. */
function isRandom(text: string): boolean {
  return /^[\w-]{24,}$/.test(text) && /\d/.test(text) && /[A-Za-z]/.test(text)
}
