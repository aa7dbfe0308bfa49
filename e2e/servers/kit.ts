// An MCP server without SDK, over stdio unless http-server.ts serves it: messages come in and go out as bytes, so a test
// can tell what travelled.
import { readByteLines } from './byte-lines.ts'
import { cut, findMembers } from './json-span.ts'
import { toObject, toText, type JsonObject } from './json-values.ts'
import { Peer, toCall, type Call } from './peer.ts'
import { appendRecord } from './record.ts'

/** An answer whose bytes are sent verbatim: as result, as error, or as the whole line. */
export class RawReply {
  readonly member: 'result' | 'error' | 'line'
  readonly bytes: Buffer

  constructor(member: 'result' | 'error' | 'line', bytes: Buffer | string) {
    this.member = member
    this.bytes = Buffer.from(bytes as string)
  }
}

/** A JSON-RPC error to answer with. */
export class RpcError extends Error {
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** What a handler returns to leave a request without an answer for ever. */
export const noAnswer = Symbol('no answer')

/** Answers a request: with a value, a RawReply, noAnswer, or by throwing; now or later. */
export type Handler = (call: Call, peer: Peer) => unknown

/** Handlers by method. */
export type Handlers = Readonly<Record<string, Handler>>

/** What a test server is. */
export interface ServerPlan {
  readonly name: string
  readonly capabilities: JsonObject
  readonly handlers: Handlers
  readonly instructions?: string | undefined
  /** For methods that have no handler; without it they get -32601. */
  readonly otherwise?: Handler
  /** Never answers initialize. */
  readonly hangAtStart?: boolean
}

const legacyVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

function answerInitialize(plan: ServerPlan, call: Call, peer: Peer): unknown {
  peer.initializeParams = call.params
  if (plan.hangAtStart) return noAnswer
  const asked = toText(call.value['protocolVersion'])
  return {
    protocolVersion: legacyVersions.includes(asked) ? asked : legacyVersions.at(-1),
    capabilities: plan.capabilities,
    serverInfo: { name: plan.name, version: '1.0.0' },
    instructions: plan.instructions,
  }
}

function findHandler(plan: ServerPlan, method: string): Handler {
  if (Object.hasOwn(plan.handlers, method)) return plan.handlers[method]!
  if (method === 'initialize') return (call, peer) => answerInitialize(plan, call, peer)
  if (method === 'ping') return () => ({})
  return (
    plan.otherwise ??
    (() => {
      throw new RpcError(-32601, `No method ${method}.`)
    })
  )
}

function toRawReply(value: unknown): RawReply {
  if (value instanceof RawReply) return value
  return new RawReply('result', JSON.stringify(value ?? null))
}

function toErrorReply(error: unknown): RawReply {
  const { code, message, data } = error instanceof RpcError ? error : new RpcError(-32603, String(error))
  return new RawReply('error', JSON.stringify({ code, message, data }))
}

/** Works on a request; gives the line to answer with, or undefined when there is to be none. */
export async function answerRequest(plan: ServerPlan, line: Buffer, peer: Peer): Promise<Buffer | undefined> {
  const id = cut(line, 'id') ?? Buffer.from('null')
  const call = toCall(line, peer.begin(id))
  let reply: RawReply
  try {
    const value = await findHandler(plan, call.method)(call, peer)
    if (value === noAnswer) return undefined
    reply = toRawReply(value)
  } catch (error) {
    reply = toErrorReply(error)
  } finally {
    peer.end(id)
  }
  if (reply.member === 'line') return reply.bytes
  const head = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":'), id, Buffer.from(`,"${reply.member}":`)])
  return Buffer.concat([head, reply.bytes, Buffer.from('}')])
}

async function answerAloud(plan: ServerPlan, line: Buffer, peer: Peer): Promise<void> {
  const answer = await answerRequest(plan, line, peer)
  if (answer !== undefined) peer.sendRaw(answer)
}

/**
 * Serves MCP on stdin and stdout until stdin ends, then exits 0. Every line received goes to the file RECORD_FILE names.
 * A line that is no JSON object ends the process with 70, so that a test cannot miss it.
 */
export function serveRaw(plan: ServerPlan): Peer {
  const peer = new Peer((bytes) => process.stdout.write(bytes))
  const recordFile = process.env['RECORD_FILE']
  readByteLines(process.stdin, (line) => {
    if (recordFile !== undefined) appendRecord(recordFile, line)
    const members = findMembers(line)
    if (members.size === 0) {
      process.stderr.write(`Not a message: ${line.toString('utf8', 0, 200)}\n`)
      process.exit(70)
    }
    if (!members.has('method')) peer.takeAnswer(line)
    else if (members.has('id')) void answerAloud(plan, line, peer)
    else peer.takeNotification(line)
  })
  process.stdin.on('end', () => {
    process.exit(0)
  })
  return peer
}

/** Options of a server script: JSON in its first argument, else in the variable SERVER_OPTIONS, else none. */
export function readServerOptions(): JsonObject {
  const text = process.argv[2] ?? process.env['SERVER_OPTIONS']
  return text === undefined ? {} : toObject(JSON.parse(text))
}
