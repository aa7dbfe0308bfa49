// Prompts and completion of the echo server.
import type { EchoOptions, EchoPrompt } from './echo-options.ts'
import { RpcError, type Handlers } from './kit.ts'
import { toObject, toText, type JsonObject } from './json-values.ts'
import { toPage } from './pages.ts'
import type { Tool } from './tool-set.ts'

function toDefinition(prompt: EchoPrompt): JsonObject {
  return {
    name: prompt.name,
    description: `Test prompt ${prompt.name}`,
    arguments: prompt.arguments.map((name) => ({ name, required: true })),
  }
}

/** Values that tell the ref, the argument and the context that arrived. */
export function completeArgument(params: JsonObject): JsonObject {
  const ref = toObject(params['ref'])
  const argument = toObject(params['argument'])
  const target = toText(ref['name'], toText(ref['uri']))
  const values = [
    `${toText(ref['type'])} ${target}`,
    `${toText(argument['name'])}=${toText(argument['value'])}`,
    JSON.stringify(params['context'] ?? null),
  ]
  return { completion: { values, total: values.length, hasMore: false } }
}

/** Lists and gets of prompts; the tool add-prompt(name). */
export function createEchoPrompts(options: EchoOptions): {
  readonly handlers: Handlers
  readonly tools: Tool[]
} {
  const prompts = [...options.prompts]
  return {
    handlers: {
      'prompts/list': (call) =>
        toPage('prompts', prompts.map(toDefinition), {
          pageSize: options.pageSize,
          cursor: call.value['cursor'],
        }),
      'prompts/get': (call) => {
        const name = toText(call.value['name'])
        if (!prompts.some((prompt) => prompt.name === name)) throw new RpcError(-32602, `No prompt ${name}.`)
        const text = `${options.name} ${name} ${JSON.stringify(call.value['arguments'] ?? {})}`
        return { messages: [{ role: 'user', content: { type: 'text', text } }] }
      },
    },
    tools: [
      {
        name: 'add-prompt',
        run: ({ args, peer }) => {
          prompts.push({ name: toText(args['name']), arguments: [] })
          peer.notify('notifications/prompts/list_changed')
          return 'added'
        },
      },
    ],
  }
}
