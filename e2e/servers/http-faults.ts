// The faults that HTTP servers have: how they refuse a request, and how they spoil an answer.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { splice } from './json-span.ts'
import { toNumber, toObject, toText, type JsonObject } from './json-values.ts'

/** A request that meets a fault. */
export interface FaultScene {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the fault is told. */
  readonly args: JsonObject
  /** Forgets all sessions. */
  readonly forget: () => void
}

type Refusal = (scene: FaultScene) => void
type Delivery = (scene: FaultScene, answer: Buffer) => void | Promise<void>

type Headers = Readonly<Record<string, string>>

function end(
  response: ServerResponse,
  status: number,
  headers: Headers = {},
  body: Buffer | string = '',
): void {
  response.writeHead(status, headers).end(body)
}

function toStatus(status: number, headers: Headers = {}): Refusal {
  return ({ response }) => {
    end(response, status, { 'content-type': 'text/plain', ...headers }, `This server says ${status}.`)
  }
}

function toRedirect(status: number, toLocation: (scene: FaultScene) => string): Refusal {
  return (scene) => {
    end(scene.response, status, { location: toLocation(scene) })
  }
}

function toRpcError(status: number, code: number, message: string): Refusal {
  return ({ response, forget }) => {
    forget()
    const body = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } })
    end(response, status, { 'content-type': 'application/json' }, body)
  }
}

/** Seconds (args.seconds, 1 unless given) as Retry-After, or the date that is so far away. */
function toRetryAfter(args: JsonObject): string {
  const seconds = toNumber(args['seconds'], 1)
  return args['date'] === true ? new Date(Date.now() + seconds * 1000).toUTCString() : String(seconds)
}

/** Nothing is done for the request; what comes instead. */
export const refusals: Readonly<Record<string, Refusal>> = {
  cut: ({ request }) => request.socket.destroy(),
  never: () => undefined,
  '401': toStatus(401, {
    'www-authenticate': 'Bearer resource_metadata="http://127.0.0.1:1/.well-known/oauth-protected-resource"',
  }),
  '403': toStatus(403),
  '404': toStatus(404),
  '405': toStatus(405, { allow: 'OPTIONS' }),
  '406': toStatus(406),
  '429': (scene) => {
    toStatus(429, { 'retry-after': toRetryAfter(scene.args) })(scene)
  },
  '500': toStatus(500),
  '503': toStatus(503),
  '503-retry': (scene) => {
    toStatus(503, { 'retry-after': toRetryAfter(scene.args) })(scene)
  },
  html: ({ response }) => {
    end(response, 200, { 'content-type': 'text/html' }, '<!doctype html><title>Sign in</title>')
  },
  empty: ({ response }) => {
    end(response, 200, { 'content-type': 'application/json', 'content-length': '0' })
  },
  '202': ({ response }) => {
    end(response, 202)
  },
  '204': ({ response }) => {
    end(response, 204)
  },
  'redirect-loop': toRedirect(307, ({ request }) => request.url ?? '/'),
  /** Once: what is at /moved/… is the same as without that. */
  redirect: toRedirect(307, ({ request }) => `/moved${request.url ?? '/'}`),
  'redirect-301': toRedirect(301, ({ request }) => `/moved${request.url ?? '/'}`),
  /** To args.to. */
  'redirect-away': toRedirect(307, ({ args }) => toText(args['to'], 'http://localhost:9/mcp')),
  'expired-404': toRpcError(404, -32001, 'Session not found'),
  'expired-400': toRpcError(400, -32000, 'Bad Request: No valid session ID provided'),
  /** args.status, args.headers and args.body as they are. */
  status: ({ response, args }) => {
    end(response, toNumber(args['status'], 418), toObject(args['headers']) as Headers, toText(args['body']))
  },
}

const json = { 'content-type': 'application/json' }
const events = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }

function sendEvents(...pieces: readonly (string | Buffer)[]): Delivery {
  return ({ response }, answer) => {
    const filled = pieces.map((piece) => (piece === '%ANSWER%' ? answer : Buffer.from(piece as string)))
    end(response, 200, events, Buffer.concat(filled))
  }
}

/** Sends half of a body, then cuts the connection once that is out. */
function cutAfterHalf(response: ServerResponse, headers: Headers, body: Buffer): void {
  response.writeHead(200, headers)
  response.write(body.subarray(0, body.length >> 1), () => response.destroy())
}

async function sendInPieces({ response, args }: FaultScene, answer: Buffer): Promise<void> {
  response.writeHead(200, events)
  const event = Buffer.concat([Buffer.from('event: message\ndata: '), answer, Buffer.from('\n\n')])
  const size = toNumber(args['size'], 1)
  for (let from = 0; from < event.length; from += size) {
    response.write(event.subarray(from, from + size))
    await delay(0)
  }
  response.end()
}

function toDataLines(answer: Buffer): string {
  const text = JSON.stringify(JSON.parse(answer.toString('utf8')), null, 2)
  return text
    .split('\n')
    .map((line) => `data: ${line}\n`)
    .join('')
}

/** The request is worked on; how its answer is spoilt. */
export const deliveries: Readonly<Record<string, Delivery>> = {
  'cut-after-work': ({ request }) => {
    request.socket.destroy()
  },
  'cut-mid-answer': ({ response }, answer) => {
    cutAfterHalf(response, { ...json, 'content-length': String(answer.length) }, answer)
  },
  'cut-mid-event': ({ response }, answer) => {
    cutAfterHalf(response, events, Buffer.concat([Buffer.from('data: '), answer, Buffer.from('\n\n')]))
  },
  'cut-before-event': ({ response }) => {
    response.writeHead(200, events)
    response.write(': nothing yet\n\n', () => response.destroy())
  },
  /** The stream ends in order, without an answer. */
  'end-without-answer': sendEvents(': nothing\n\n'),
  /** The stream ends in order, before the event is over: it does not count. */
  'end-mid-event': sendEvents('data: ', '%ANSWER%', '\n'),
  'never-body': ({ response }) => {
    response.writeHead(200, events)
    response.flushHeaders()
  },
  'wrong-type': ({ response }, answer) => {
    end(response, 200, { 'content-type': 'text/plain' }, answer)
  },
  'no-type': ({ response }, answer) => {
    end(response, 200, {}, answer)
  },
  'broken-json': ({ response }, answer) => {
    end(response, 200, json, answer.subarray(0, -1))
  },
  /** In pieces of args.size bytes (1). */
  pieces: sendInPieces,
  'carriage-returns': sendEvents(': hello\revent: message\rdata: ', '%ANSWER%', '\r\r'),
  'both-line-ends': sendEvents(': hello\r\nevent: message\r\ndata: ', '%ANSWER%', '\r\n\r\n'),
  'byte-order-mark': sendEvents('\ufeffdata: ', '%ANSWER%', '\n\n'),
  comments: sendEvents(': one\n:\n\n', ': two\ndata: ', '%ANSWER%', '\n: three\n\n: four\n\n'),
  'no-blank': sendEvents('event:message\ndata:', '%ANSWER%', '\n\n'),
  'data-lines': ({ response }, answer) => {
    end(response, 200, events, `event: message\n${toDataLines(answer)}\n`)
  },
  'other-events': sendEvents(
    'event: ping\ndata: {"time":1}\n\nunknown: field\n\ndata\n\nretry: soon\n\ndata: ',
    '%ANSWER%',
    '\n\n',
  ),
  /** Nobody asked for gzip. */
  gzip: ({ response }, answer) => {
    end(response, 200, { ...json, 'content-encoding': 'gzip' }, gzipSync(answer))
  },
  array: ({ response }, answer) => {
    end(response, 200, json, Buffer.concat([Buffer.from('['), answer, Buffer.from(']')]))
  },
  'other-id': ({ response }, answer) => {
    end(response, 200, json, splice(answer, ['id'], '4242424242'))
  },
  twice: sendEvents('data: ', '%ANSWER%', '\n\ndata: ', '%ANSWER%', '\n\n'),
  /** The connection is said to be kept, and closed right after the answer. */
  'close-after': ({ request, response }, answer) => {
    response.writeHead(200, { ...json, connection: 'keep-alive', 'content-length': String(answer.length) })
    response.end(answer, () => request.socket.end())
  },
}
