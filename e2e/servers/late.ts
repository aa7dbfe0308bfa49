// A test server that does not stop when it is told to, and answers more than it should.
import { setTimeout as delay } from 'node:timers/promises'
import { RpcError, serveRaw } from './kit.ts'
import { toNumber, toText } from './json-values.ts'
import { createProcessTools } from './process-tools.ts'
import { ToolSet, type ToolCall } from './tool-set.ts'

/** Answers `value` after `ms`, cancelled or not; then again, tells progress once more, and answers what nobody asked. */
async function answerTooMuch({ args, call, peer }: ToolCall): Promise<string> {
  await delay(toNumber(args['ms']))
  const value = toText(args['value'])
  const result = JSON.stringify({ content: [{ type: 'text', text: `stray ${value}` }] })
  const stray = (id: Buffer | string): void => {
    peer.sendRaw('{"jsonrpc":"2.0","id":', id, ',"result":', result, '}')
  }
  setTimeout(() => {
    stray(call.id)
    stray('987654321')
    stray('"a text"')
    stray('null')
    peer.notifyProgress(call, 99, `stray ${value}`)
    peer.notify('notifications/progress', { progressToken: 'nobody', progress: 1, message: `stray ${value}` })
  }, 50)
  return value
}

const tools = new ToolSet()
tools.add(...createProcessTools(tools))
tools.add(
  { name: 'late', run: answerTooMuch },
  {
    name: 'fail',
    run: ({ args }) => {
      throw new RpcError(toNumber(args['code']), toText(args['message']), args['data'])
    },
  },
)
serveRaw({ name: 'late', capabilities: { tools: {} }, handlers: tools.handlers() })
