// The all-round test server: answers what it is told, and tells what it was told. Options: echo-options.ts.
import { setTimeout as delay } from 'node:timers/promises'
import { createEchoLogging } from './echo-logging.ts'
import { readEchoOptions } from './echo-options.ts'
import { completeArgument, createEchoPrompts } from './echo-prompts.ts'
import { createEchoResources } from './echo-resources.ts'
import { createEchoTools } from './echo-tools.ts'
import { RawReply, RpcError, serveRaw, type Handler, type Handlers } from './kit.ts'
import { createProcessTools } from './process-tools.ts'
import { ToolSet } from './tool-set.ts'

const options = readEchoOptions()
if (options.exitAtStart !== undefined) process.exit(options.exitAtStart)
await delay(options.startDelayMs)

const tools = new ToolSet()
const resources = createEchoResources(options)
const prompts = createEchoPrompts(options)
const logging = createEchoLogging()
tools.add(...createEchoTools(tools, options.extraTools), ...createProcessTools(tools))
tools.add(...resources.tools, ...prompts.tools, ...logging.tools)

const offers: Record<string, { readonly capability: object; readonly handlers: Handlers }> = {
  tools: { capability: { listChanged: true }, handlers: tools.handlers(options.pageSize) },
  resources: { capability: { subscribe: true, listChanged: true }, handlers: resources.handlers },
  prompts: { capability: { listChanged: true }, handlers: prompts.handlers },
  logging: { capability: {}, handlers: logging.handlers },
  completions: {
    capability: {},
    handlers: { 'completion/complete': (call) => completeArgument(call.value) },
  },
}
const offered = Object.entries(offers).filter(([name]) => !options.without.includes(name))

/** Any method vendor/… is answered with its own params, as the bytes came. */
const echoVendor: Handler = (call) => {
  if (!call.method.startsWith('vendor/')) throw new RpcError(-32601, `No method ${call.method}.`)
  return new RawReply('result', call.params ?? 'null')
}

serveRaw({
  name: options.name,
  instructions: options.instructions,
  hangAtStart: options.hangAtStart,
  capabilities: Object.fromEntries(offered.map(([name, { capability }]) => [name, capability])),
  handlers: Object.assign({}, ...offered.map(([, { handlers }]) => handlers)) as Handlers,
  otherwise: echoVendor,
})
