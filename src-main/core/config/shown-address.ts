import { mask } from '#core/observe/redact.ts'

/** An address as it may be shown and logged: without its query, and without parts that look like keys. */
export function toShownAddress(url: string): string {
  const { origin, pathname } = new URL(url)
  return maskPathParts(`${origin}${pathname}`)
}

/** An address without parts of its path, or names in its host, that look like keys; its query stays. */
export function maskPathParts(address: string): string {
  const [, scheme = '', host = '', path = '', rest = ''] =
    /^([a-z][\w+.-]*:\/\/)?([^/?#]*)([^?#]*)([^]*)$/i.exec(address) ?? []
  const shownHost = host.split('.').map(maskRandom).join('.')
  return `${scheme}${shownHost}${path.split('/').map(maskRandom).join('/')}${rest}`
}

function maskRandom(part: string): string {
  // What is put in by a token is not there to be seen.
  return isRandom(part.replaceAll(/\$?\{[^{}]*\}/g, ' ')) ? mask : part
}

const longWord = /[\w-]{24,}/g
const longRun = /[A-Za-z0-9]{16,}/g

/** Whether it holds anything long of letters and digits: nobody names things so. */
export function isRandom(text: string): boolean {
  const plain = decodePart(text)
  const parts = [...(plain.match(longWord) ?? []), ...(plain.match(longRun) ?? [])]
  return parts.some((part) => /\d/.test(part) && /[A-Za-z]/.test(part))
}

/** A part of an address without its escapes. */
export function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    // It is as it is then.
    if (error instanceof URIError) return text
    throw error
  }
}
