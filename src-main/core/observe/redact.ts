/** What stands in the place of a secret. */
export const mask = '•••'

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
  // A password may hold an @, too: it ends at the last one.
  /(?<=:\/\/)[^\s/?#:@"]*:[^\s/?#"]+(?=@)/g,
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?:[^]*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|[^]*)/g,
]

/** Whether a value has a token, a private key, or a URL with a password in it, whatever its name. */
export function looksSecret(value: string): boolean {
  return tokenShapes.some((shape) => value.search(shape) !== -1)
}

/** Where secrets of a server may come from, besides its own variables. */
export interface SecretSources {
  /** The arguments of its command: those of options with a secret name count, and what they set by one. */
  readonly args?: readonly string[]
  /** The variables that it inherits. */
  readonly inherited?: Readonly<Record<string, string | undefined>>
  /** What is secret whatever it is called. */
  readonly values?: readonly string[]
}

/**
 * Gives what takes secrets out of texts, for logs and errors: the values of secret-looking variables and arguments in
 * the ways that programs print them, what has a secret name in JSON or `name=value`, and whatever looks like a token.
 * Servers like to repeat the key they refuse. `env`: the server's own variables.
 */
export function createRedactor(
  env: Readonly<Record<string, string>>,
  { args = [], inherited = {}, values = [] }: SecretSources = {},
): (text: string) => string {
  const variables = [...Object.entries(env), ...Object.entries(inherited)].flatMap(([name, value = '']) =>
    isSecretName(name) || looksSecret(value) ? [value] : [],
  )
  const secrets = new Set([...values, ...variables, ...findArgumentSecrets(args)].flatMap(toPrinted))
  const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length)
  return (text) => {
    let masked = text
    for (const secret of longestFirst) masked = masked.replaceAll(secret, mask)
    for (const shape of tokenShapes) masked = masked.replace(shape, mask)
    return maskNamed(masked)
  }
}

/** Secrets in arguments: `--api-key X`, `--token=X`, `KEY=X`, `--header "X-Api-Key: X"`, and what is named in JSON. */
function findArgumentSecrets(args: readonly string[]): readonly string[] {
  return args.flatMap((arg, index) => {
    const option = args[index - 1] ?? ''
    const isValue = /^-[^=:\s]+$/.test(option) && isSecretName(option) && !/^--[a-z]/i.test(arg)
    const found = [...findNamed(arg)].map(({ start, end }) => arg.slice(start, end))
    if (isValue || looksSecret(arg)) found.push(arg)
    // One may stand in another: `--env=API_KEY=X`.
    let rest = arg
    for (let depth = 0; depth < 3; depth++) {
      const [, name, value] = /^-{0,2}([A-Za-z][\w.-]*)\s*[=:]\s*([^]+)$/.exec(rest) ?? []
      if (name === undefined || value === undefined) break
      if (isSecretName(name)) found.push(value)
      rest = value
    }
    return found
  })
}

// What programs print mostly about other things: a missing key of an object, a number of tokens.
const commonNames = new Set(['key', 'keys', 'auth', 'private', 'pat', 'tokens'])
// Each pattern goes once over what it repeats: a run of name characters begins in one place only, and values always end.
const nameAndSign = /(?<![\w.-])([\w.-]+)((\\*["'])?[ \t]{0,2}[:=][ \t]{0,2})/g
const quotedValue = /(?<=")(?:[^"\\]+|\\[^])+|(?<=')(?:[^'\\]+|\\[^])+/y
const escapedValue = /[^"'\\]+/y
const plainValue = /[^\s"'&;,\\}]+/y

/** Where values stand that have a secret name: `"password":"…"`, `password: '…'`, `password=…`. Without their quotes. */
function* findNamed(text: string): Generator<{ readonly start: number; readonly end: number }> {
  let done = 0
  for (const found of text.matchAll(nameAndSign)) {
    const [all, name = '', sign = '', quote] = found
    if (found.index < done || commonNames.has(name.toLowerCase()) || !isSecretName(name)) continue
    const signEnd = found.index + all.length
    const value = findValue(text, signEnd, sign === '=' || (quote !== undefined && sign.includes(':')))
    if (value === undefined || isPlain(name, text.slice(value.start, value.end))) continue
    done = value.end
    yield value
  }
}

/** Where the value behind a sign stands; one without quotes counts only where `mayBePlain`, as prose has no such. */
function findValue(
  text: string,
  at: number,
  mayBePlain: boolean,
): { readonly start: number; readonly end: number } | undefined {
  const opening = /\\{0,9}["']|/y
  opening.lastIndex = at
  const quote = opening.exec(text)?.[0] ?? ''
  if (quote === '' && !mayBePlain) return undefined
  const start = at + quote.length
  const value = quote === '' ? plainValue : quote.length === 1 ? quotedValue : escapedValue
  value.lastIndex = start
  const found = value.exec(text)
  return found === null ? undefined : { start, end: start + found[0].length }
}

/** Whether a value tells nothing: `"token":null`, `input_tokens=512`. */
function isPlain(name: string, value: string): boolean {
  return /^(?:true|false|null|undefined|none)$/i.test(value) || (/tokens$/i.test(name) && /^\d+$/.test(value))
}

function maskNamed(text: string): string {
  let masked = ''
  let done = 0
  for (const { start, end } of findNamed(text)) {
    masked += text.slice(done, start) + mask
    done = end
  }
  return masked + text.slice(done)
}

/** A secret as programs print it: as it is, in JSON, in a URL, its longer parts, and the password of a URL. */
function toPrinted(value: string): string[] {
  const password = /:\/\/[^\s/?#:@]*:([^\s/?#]+)@/.exec(value)?.[1] ?? ''
  const parts = value.split(/\s+/).filter((part) => part.length >= shortestPart)
  return [value, ...parts, password]
    .flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())])
    .filter((text) => text.length >= shortestSecret)
}
