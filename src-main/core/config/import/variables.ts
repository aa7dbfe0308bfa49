import path from 'node:path'
import type { Environment } from '../substitute.ts'

/**
 * Which variables the program that a file was written for replaces in texts:
 * `own` those of Patchbay; `shell` `${NAME}`, `${NAME:-default}` and what editors have; `editor` only `${env:NAME}`,
 * `${userHome}` and the like; `braces` `{env:NAME}`; `none` takes every text as it is.
 */
export type VariableStyle = 'own' | 'shell' | 'editor' | 'braces' | 'none'

const namePattern = /^[A-Za-z_]\w*$/
const defaultPattern = /^[A-Za-z_]\w*:-/
// What only an editor with an open folder, or one that asks its user, can fill in.
const foreignPattern =
  /^(?:input:|command:|config:|file:|user_config\.|workspaceFolder|workspaceRoot|fileWorkspaceFolder|cwd$|__dirname$)/

/** Writes the texts of one server with our tokens, and gathers what is missing for them. */
export class VariableWriter {
  /** Environment variables that are not set here. */
  readonly missing = new Set<string>()
  /** Variables of the editor, as they stood there, that we cannot know. */
  readonly unknown = new Set<string>()
  /** Texts such as `$NAME` that were taken for a variable. */
  readonly assumed = new Set<string>()
  readonly #style: VariableStyle
  readonly #env: Environment

  constructor(style: VariableStyle, env: Environment) {
    this.#style = style
    this.#env = env
  }

  /** The text for our configuration. A literal `${` becomes `$${`. */
  write(text: string): string {
    if (this.#style === 'braces') return this.#writeBraces(text)
    // Of Continue, which fills them in.
    if (this.#style === 'shell')
      for (const [token] of text.matchAll(/\$\{\{[^{}]*\}\}/g)) this.unknown.add(token)
    return text.replaceAll(/\$\{([^{}]*)\}|\$\{/g, (token: string, body: string | undefined, at: number) => {
      const isAfterDollar = at > 0 && text[at - 1] === '$'
      if (this.#style === 'own') return isAfterDollar ? token : this.#writeOwn(token, body)
      const written = body === undefined ? undefined : this.#resolve(body)
      if (written === undefined) return `$${token}`
      if (!isAfterDollar) return written
      // Ours would be read as an escape.
      this.unknown.add(`$${token}`)
      return `$${token}`
    })
  }

  /** The same for a variable or header: there Gemini takes a whole `$NAME` for a variable as well. */
  writeValue(text: string): string {
    const [, name = ''] = /^\$([A-Za-z_]\w*)$/.exec(text) ?? []
    // One in small letters that is not set may as well be a password.
    const isName = /^[A-Z][A-Z\d_]*$/.test(name) || (name !== '' && this.#isSet(name))
    if (this.#style !== 'shell' || !isName) return this.write(text)
    this.assumed.add(text)
    return this.writeVariable(name)
  }

  /** `~/` at the start of a path, for the home folder. */
  writePath(text: string): string {
    const written = this.write(text)
    return /^~(?=[\\/]|$)/.test(written) ? `${this.#writeHome()}${written.slice(1)}` : written
  }

  /** A token for an environment variable; an unset one gets an empty default, so that the file as a whole holds. */
  writeVariable(name: string): string {
    if (this.#isSet(name)) return `\${${name}}`
    this.missing.add(name)
    return `\${${name}:-}`
  }

  #isSet(name: string): boolean {
    return Object.hasOwn(this.#env, name) && this.#env[name] !== undefined
  }

  #writeHome(): string {
    const isWindows = this.#env['HOME'] === undefined && this.#env['USERPROFILE'] !== undefined
    return this.writeVariable(isWindows ? 'USERPROFILE' : 'HOME')
  }

  #writeOwn(token: string, body: string | undefined): string {
    return body !== undefined && namePattern.test(body) ? this.writeVariable(body) : token
  }

  #writeBraces(text: string): string {
    return text.replaceAll(
      /\$?\{(env|file):([^{}]*)\}|\$\{/g,
      (token: string, kind?: string, name: string = '') => {
        if (kind === 'env' && !token.startsWith('$') && namePattern.test(name))
          return this.writeVariable(name)
        if (kind !== undefined) this.unknown.add(token)
        return token.startsWith('$') ? `$${token}` : token
      },
    )
  }

  #resolve(body: string): string | undefined {
    if (this.#style === 'none') return undefined
    if (body === 'userHome') return this.#writeHome()
    if (body === 'pathSeparator' || body === '/') return path.sep
    if (foreignPattern.test(body)) {
      this.unknown.add(`\${${body}}`)
      return undefined
    }
    const name = body.startsWith('env:') ? body.slice(4) : this.#style === 'shell' ? body : ''
    if (namePattern.test(name)) return this.writeVariable(name)
    if (defaultPattern.test(name)) return `\${${name}}`
    if (body.startsWith('env:')) this.unknown.add(`\${${body}}`)
    return undefined
  }
}
