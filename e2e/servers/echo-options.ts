import { readServerOptions } from './kit.ts'
import { toObject, toText, type JsonObject } from './json-values.ts'

/** A resource with its content, or a template (`uriTemplate` in place of `uri`). */
export interface EchoResource {
  readonly uri: string
  readonly text: string
}

/** A prompt and the names of its arguments. */
export interface EchoPrompt {
  readonly name: string
  readonly arguments: readonly string[]
}

/** What echo.ts can be told. All lists are empty and all delays 0 unless given. */
export interface EchoOptions {
  /** serverInfo.name; `echo` unless given. */
  readonly name: string
  readonly instructions: string | undefined
  /** How many tools `extra-1`, `extra-2`, … there are. */
  readonly extraTools: number
  /** Milliseconds before stdin is read at all. */
  readonly startDelayMs: number
  readonly hangAtStart: boolean
  /** Exits with this code at once. */
  readonly exitAtStart: number | undefined
  /** Items on a page of any list; undefined for no pages. */
  readonly pageSize: number | undefined
  readonly resources: readonly EchoResource[]
  /** URI templates of the form `scheme://…/{name}`. */
  readonly templates: readonly string[]
  readonly prompts: readonly EchoPrompt[]
  /** Capabilities that are not declared and not served: tools, resources, prompts, logging, completions. */
  readonly without: readonly string[]
}

function toList<T>(value: unknown, toItem: (item: unknown) => T): T[] {
  return Array.isArray(value) ? value.map(toItem) : []
}

function toOptionalNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function toResource(item: unknown): EchoResource {
  const { uri, text } = toObject(item)
  return { uri: toText(uri), text: toText(text) }
}

function toPrompt(item: unknown): EchoPrompt {
  const prompt = toObject(item)
  return { name: toText(prompt['name']), arguments: toList(prompt['arguments'], String) }
}

/** Reads the options of echo.ts (argv or SERVER_OPTIONS, JSON). */
export function readEchoOptions(given: JsonObject = readServerOptions()): EchoOptions {
  return {
    name: toText(given['name'], 'echo'),
    instructions: typeof given['instructions'] === 'string' ? given['instructions'] : undefined,
    extraTools: toOptionalNumber(given['extraTools']) ?? 0,
    startDelayMs: toOptionalNumber(given['startDelayMs']) ?? 0,
    hangAtStart: given['hangAtStart'] === true,
    exitAtStart: toOptionalNumber(given['exitAtStart']),
    pageSize: toOptionalNumber(given['pageSize']),
    resources: toList(given['resources'], toResource),
    templates: toList(given['templates'], String),
    prompts: toList(given['prompts'], toPrompt),
    without: toList(given['without'], String),
  }
}
