import { readFileSync } from 'node:fs'
import type { StdioTransport } from '#core/config/config.ts'

// What every scripted server knows: `send` a message, `answer` a request, and `opening`, a right answer to initialize.
const prelude = String.raw`
  const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\n')
  const answer = ({ id }, result = {}) => send({ id, result })
  const serverInfo = { name: 'scripted', version: '1' }
  const opening = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo }
  let rest = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) onMessage(JSON.parse(line))
  })
  process.stdin.on('end', () => onEnd())
  function onEnd() { process.exit(0) }
`

/** A server written in a few lines: `script` has to define `onMessage(message)` and may define `onEnd()`. */
export function toScriptServer(script: string, env: Readonly<Record<string, string>> = {}): StdioTransport {
  return { type: 'stdio', command: process.execPath, args: ['-e', prelude + script], env }
}

/** A scripted server that opens its session and answers every request with an empty result. */
export const plainScript = `
  function onMessage(message) {
    if (message.id === undefined || message.method === undefined) return
    answer(message, message.method === 'initialize' ? opening : {})
  }
`

/** Whether a process is there and not just a corpse that nobody has buried yet. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
