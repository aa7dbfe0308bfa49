// A test server with the faults that real ones have on stdout, stderr and stdin, each a tool that shows it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { toNumber, toText } from './json-values.ts'
import { noAnswer, serveRaw } from './kit.ts'
import { createProcessTools } from './process-tools.ts'
import { ToolSet, type Tool, type ToolCall } from './tool-set.ts'

const garbage = [
  'Listening on port 3000…',
  '{',
  '}',
  '[]',
  'null',
  '{"jsonrpc":"2.0","id":',
  '{"jsonrpc":"2.0","id":{},"result":{}}',
  '{"jsonrpc":"2.0","method":7}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":',
  '\u0000\u0000\u0000',
  '\u001b[31mred\u001b[0m\r',
  `{"deep":${'['.repeat(10_000)}`,
  'x'.repeat(100_000),
].map((text) => Buffer.from(text))
const invalidText = Buffer.from([0xff, 0xfe, 0x7b, 0xc3, 0x28, 0xed, 0xa0, 0x80])

function toAnswer({ call }: ToolCall, text: string): Buffer {
  const result = JSON.stringify({ content: [{ type: 'text', text }] })
  return Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":'), call.id, Buffer.from(`,"result":${result}}`)])
}

function write(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(bytes, () => {
      resolve()
    })
  })
}

/** Answers one byte at a time; at half of it waits until the file `gate` is there. */
async function answerInPieces(given: ToolCall): Promise<typeof noAnswer> {
  const answer = Buffer.concat([toAnswer(given, toText(given.args['text'])), Buffer.from('\n')])
  for (const [index, byte] of answer.entries()) {
    await write(Buffer.from([byte]))
    while (index === answer.length >> 1 && !existsSync(toText(given.args['gate']))) await delay(5)
  }
  return noAnswer
}

/** Answers without a line end, then is gone. */
async function answerAndExit(given: ToolCall): Promise<typeof noAnswer> {
  await write(toAnswer(given, 'last words'))
  process.exit(0)
}

async function writeGarbage(): Promise<string> {
  for (const line of [...garbage, invalidText]) await write(Buffer.concat([line, Buffer.from('\n')]))
  return 'survived'
}

/** Answers every call `times` times, and answers ids that nobody used. */
async function answerTooOften(given: ToolCall): Promise<typeof noAnswer> {
  const answer = Buffer.concat([toAnswer(given, toText(given.args['text'])), Buffer.from('\n')])
  for (let times = toNumber(given.args['times'], 2); times > 0; times--) await write(answer)
  for (const id of ['4242424242', '-1', '"text"', 'null', '1.5']) {
    await write(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}\n`))
  }
  return noAnswer
}

/** Asks for sampling with each of the tags, every question with the id 7; answers at once. */
function askWithOneId({ args, peer }: ToolCall): string {
  for (const tag of args['tags'] as string[]) {
    const messages = [{ role: 'user', content: { type: 'text', text: tag } }]
    const params = { messages, maxTokens: 10 }
    peer.sendRaw(JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'sampling/createMessage', params }))
  }
  return 'asked'
}

/** Has a child print so many bytes on our stderr as fast as it can; gives the child's process id. */
function flood({ args }: ToolCall): string {
  const script = `yes "$1" | head -c ${toNumber(args['bytes'])} >&2`
  const stdio = ['ignore', 'ignore', 'inherit'] as const
  return String(spawn('sh', ['-c', script, 'sh', toText(args['line'], 'noise')], { stdio: [...stdio] }).pid)
}

/** Reads its input no more from now on, though it lives on. */
function turnDeaf(): string {
  process.stdin.pause()
  setInterval(() => undefined, 60_000)
  return 'deaf'
}

const faults: readonly Tool[] = [
  { name: 'split', run: answerInPieces },
  { name: 'last-words', run: answerAndExit },
  { name: 'garbage', run: writeGarbage },
  { name: 'repeat', run: answerTooOften },
  { name: 'ask-with-one-id', run: askWithOneId },
  { name: 'flood', run: flood },
  { name: 'deaf', run: turnDeaf },
  { name: 'blob', run: ({ args }) => 'x'.repeat(toNumber(args['bytes'])) },
]

const tools = new ToolSet()
tools.add(...createProcessTools(tools), ...faults)
serveRaw({ name: 'faulty', capabilities: { tools: {} }, handlers: tools.handlers() })
