import { mask } from '#core/observe/redact.ts'

/** An address as it may be shown and logged: without its query, and without parts of its path that look like keys. */
export function toShownAddress(url: string): string {
  const { origin, pathname } = new URL(url)
  return maskPathParts(`${origin}${pathname}`)
}

/** An address without parts of its path that look like keys; its query stays. */
export function maskPathParts(address: string): string {
  return address.replaceAll(/(?<=\/)[\w-]+(?=[/?#]|$)/g, (part) => (isRandom(part) ? mask : part))
}

/** Long, and of letters and digits: nobody names things so. */
export function isRandom(text: string): boolean {
  return /^[\w-]{24,}$/.test(text) && /\d/.test(text) && /[A-Za-z]/.test(text)
}
