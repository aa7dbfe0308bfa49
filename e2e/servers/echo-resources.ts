// Resources, templates and subscriptions of the echo server.
import type { EchoOptions } from './echo-options.ts'
import { RpcError, type Handlers } from './kit.ts'
import { toText, type JsonObject } from './json-values.ts'
import { toPage } from './pages.ts'
import { toReport, type Tool } from './tool-set.ts'

function toPattern(template: string): RegExp {
  const literal = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
  return new RegExp(`^${literal.replace(/\{[^}]*\}/g, '([^/]+)')}$`)
}

/** What is subscribed, and how many requests led there. */
interface Subscriptions {
  readonly live: Set<string>
  subscribed: number
  unsubscribed: number
}

function toSubscriptionHandlers(state: Subscriptions): Handlers {
  return {
    'resources/subscribe': (call) => {
      state.live.add(toText(call.value['uri']))
      state.subscribed++
      return {}
    },
    'resources/unsubscribe': (call) => {
      state.live.delete(toText(call.value['uri']))
      state.unsubscribed++
      return {}
    },
  }
}

/**
 * Lists, reads and subscriptions. Tools: add-resource(uri, text), touch(uri) (sends resources/updated if subscribed,
 * or in any case with force), subscriptions() -> {live, subscribed, unsubscribed}.
 */
export function createEchoResources(options: EchoOptions): {
  readonly handlers: Handlers
  readonly tools: Tool[]
} {
  const texts = new Map(options.resources.map(({ uri, text }) => [uri, text]))
  const state: Subscriptions = { live: new Set(), subscribed: 0, unsubscribed: 0 }
  const toDefinition = (uri: string): JsonObject => ({ uri, name: `Resource ${uri}`, mimeType: 'text/plain' })
  const find = (uri: string): string => {
    const text = texts.get(uri)
    if (text !== undefined) return text
    for (const template of options.templates) {
      const match = toPattern(template).exec(uri)
      if (match) return `${options.name} ${template} ${match.slice(1).join(' ')}`
    }
    throw new RpcError(-32002, 'Resource not found', { uri })
  }
  const { pageSize } = options
  return {
    handlers: {
      'resources/list': (call) =>
        toPage('resources', [...texts.keys()].map(toDefinition), { pageSize, cursor: call.value['cursor'] }),
      'resources/templates/list': (call) => {
        const templates = options.templates.map((uriTemplate) => ({ uriTemplate, name: uriTemplate }))
        return toPage('resourceTemplates', templates, { pageSize, cursor: call.value['cursor'] })
      },
      'resources/read': (call) => {
        const uri = toText(call.value['uri'])
        return { contents: [{ uri, mimeType: 'text/plain', text: find(uri) }] }
      },
      ...toSubscriptionHandlers(state),
    },
    tools: [
      {
        name: 'add-resource',
        run: ({ args, peer }) => {
          texts.set(toText(args['uri']), toText(args['text'], 'added later'))
          peer.notify('notifications/resources/list_changed')
          return 'added'
        },
      },
      {
        name: 'touch',
        run: ({ args, peer }) => {
          const uri = toText(args['uri'])
          const send = args['force'] === true || state.live.has(uri)
          if (send) peer.notify('notifications/resources/updated', { uri })
          return send ? 'sent' : 'not subscribed'
        },
      },
      { name: 'subscriptions', run: () => toReport({ ...state, live: [...state.live] }) },
    ],
  }
}
