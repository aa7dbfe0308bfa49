// What the all-round test server offers, however it is reached. Options: echo-options.ts.
import { createEchoLogging } from './echo-logging.ts'
import type { EchoOptions } from './echo-options.ts'
import { completeArgument, createEchoPrompts } from './echo-prompts.ts'
import { createEchoResources } from './echo-resources.ts'
import { createEchoTools } from './echo-tools.ts'
import { RawReply, RpcError, type Handler, type Handlers, type ServerPlan } from './kit.ts'
import { createProcessTools } from './process-tools.ts'
import { ToolSet, type Tool } from './tool-set.ts'

/** Any method vendor/… is answered with its own params, as the bytes came. */
const echoVendor: Handler = (call) => {
  if (!call.method.startsWith('vendor/')) throw new RpcError(-32601, `No method ${call.method}.`)
  return new RawReply('result', call.params ?? 'null')
}

/** The echo server's plan; `moreTools` are offered besides its own. */
export function createEchoPlan(options: EchoOptions, ...moreTools: readonly Tool[]): ServerPlan {
  const tools = new ToolSet()
  const resources = createEchoResources(options)
  const prompts = createEchoPrompts(options)
  const logging = createEchoLogging()
  tools.add(...createEchoTools(tools, options.extraTools), ...createProcessTools(tools))
  tools.add(...resources.tools, ...prompts.tools, ...logging.tools, ...moreTools)
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
  return {
    name: options.name,
    instructions: options.instructions,
    hangAtStart: options.hangAtStart,
    capabilities: Object.fromEntries(offered.map(([name, { capability }]) => [name, capability])),
    handlers: Object.assign({}, ...offered.map(([, { handlers }]) => handlers)) as Handlers,
    otherwise: echoVendor,
  }
}
