const mask = '•••'

// Shorter values are words such as "1" or "true": masking those would hide more than it keeps.
const shortestSecret = 6
// A part of a secret that says as much as the whole: a line of a key, what stands after "Bearer".
const shortestPart = 16

const secretWords = new Set([
  ...['key', 'keys', 'apikey', 'accesskey', 'secretkey', 'privatekey', 'tokens', 'secrets', 'pass'],
  ...['passphrase', 'credential', 'credentials', 'creds', 'auth', 'authorization', 'cookie', 'cookies'],
  ...['private', 'pat', 'dsn', 'jwt', 'bearer', 'connectionstring'],
])
/** Ends of words that are written together, such as PGPASSWORD. */
const secretEndings = ['token', 'secret', 'password', 'passwd', 'apikey']
/** A name with one of these is about a number of tokens, not about a token. */
const countingWords = new Set([
  'max',
  'min',
  'limit',
  'count',
  'budget',
  'ttl',
  'timeout',
  'expiry',
  'expires',
])
/** A name that ends so tells where or what the secret is, not the secret. */
const describingWords = new Set([
  ...['path', 'file', 'filename', 'dir', 'directory', 'folder', 'url', 'uri', 'endpoint', 'host', 'port'],
  ...['sock', 'socket', 'name', 'id', 'type', 'mode', 'method', 'enabled', 'algorithm', 'length', 'size'],
  ...['issuer', 'audience', 'provider', 'server', 'domain', 'region', 'user', 'username', 'version'],
])
const notSecretNames = new Set(['google_application_credentials'])

/**
 * Whether a variable, header or option of this name usually holds a secret: `API_KEY`, `X-Auth-Token`, `--dbPassword`.
 * Whole words count, so neither `PATH` nor `KEYBOARD`; nor names that tell of a secret, such as `TOKEN_FILE`.
 */
export function isSecretName(name: string): boolean {
  if (notSecretNames.has(name.toLowerCase())) return false
  const words = name
    .split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase())
  if (words.some((word) => countingWords.has(word)) || describingWords.has(words.at(-1) ?? '')) return false
  return words.some((word, index) => {
    const before = words[index - 1]
    if (word === 'key' || word === 'keys') return before !== 'public'
    // Alone it is the working directory.
    if (word === 'pwd') return words.length > 1
    if (word === 'string') return before === 'connection'
    return secretWords.has(word) || secretEndings.some((ending) => word.endsWith(ending))
  })
}

/**
 * What tokens and keys look like. Every pattern is linear: what it repeats without a limit is scanned once, since
 * neither its beginning nor what must follow can lie within the repeated characters.
 */
const tokenShapes: readonly RegExp[] = [
  // Kebab-case words begin like these, too: a digit or a long word without hyphens tells them apart.
  /(?<![\w-])(?:sk|rk|pypi)-(?:(?=[\w-]{0,99}\d)|(?=[\w-]{0,24}[A-Za-z0-9]{20}))[\w-]{16,}/g,
  /(?<![A-Za-z0-9])(?:[srp]k_(?:live|test)_|gh[pousr]_|npm_|hf_|whsec_)[A-Za-z0-9]{16,}/g,
  /(?<![A-Za-z0-9])(?:github_pat_|AIza|ya29\.)\w[\w-]{19,}/g,
  /(?<![A-Za-z0-9])(?:glpat|gldt|glrt|xox[abeprs]|xapp)-[\w-]{10,}/g,
  /(?<![A-Za-z0-9])A(?:KI|SI)A[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  /(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g,
  /(?<=\b(?:Bearer|Basic)[ \t]{1,4})(?=[\w.~+/-]{0,99}[\d=])[\w.~+/-]{8,}={0,2}/gi,
  /(?<=:\/\/)[^\s/?#:@"]*:[^\s/?#@"]+(?=@)/g,
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?:[^]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|[^]*)/g,
]

/** Whether a value has a token, a private key, or a URL with a password in it, whatever its name. */
export function looksSecret(value: string): boolean {
  return tokenShapes.some((shape) => value.search(shape) !== -1)
}

/**
 * Gives what takes secrets out of texts, for logs and errors: the values of the secret-looking variables of `env` in
 * the ways that programs print them, and whatever looks like a token. Servers like to repeat the key they refuse.
 */
export function createRedactor(env: Readonly<Record<string, string>>): (text: string) => string {
  const secrets = new Set(
    Object.entries(env)
      .filter(([name, value]) => isSecretName(name) || looksSecret(value))
      .flatMap(([, value]) => toPrinted(value)),
  )
  const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length)
  return (text) => {
    let masked = text
    for (const secret of longestFirst) masked = masked.replaceAll(secret, mask)
    for (const shape of tokenShapes) masked = masked.replace(shape, mask)
    return masked
  }
}

/** A secret as programs print it: as it is, in JSON, in a URL, its longer parts, and the password of a URL. */
function toPrinted(value: string): string[] {
  const password = /:\/\/[^\s/?#:@]*:([^\s/?#@]+)@/.exec(value)?.[1] ?? ''
  const parts = value.split(/\s+/).filter((part) => part.length >= shortestPart)
  return [value, ...parts, password]
    .flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())])
    .filter((text) => text.length >= shortestSecret)
}
