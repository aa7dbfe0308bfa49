// A test server for byte fidelity: answers with bytes from a file. What it received lies verbatim in RECORD_FILE.
//
// The reply's file: params.arguments.reply, else params.reply, else the one REPLY_FILE names; without it an empty result.
// Its first line says what the rest is: `result`, `error`, or `line` (a whole line whose id is set to the request's).
// Files named by `emit` (notifications) and `ask` (one request to the client), or by EMIT_FILE and ASK_FILE, are sent
// verbatim before the reply; the client's answer is in the record.
import { existsSync, readFileSync } from 'node:fs'
import { splice } from './json-span.ts'
import { RawReply, serveRaw, type Handler } from './kit.ts'
import { toObject, toText, type JsonObject } from './json-values.ts'
import type { Call } from './peer.ts'

/** One tool with members that no revision knows; the test compares what of it arrives. */
const toolList = Buffer.from(
  `{"tools":[{"name":"act","x-odd":{"big":9007199254740993,"float":1.0,"text":"\\u00e9\\/"},` +
    `"inputSchema":{"type":"object","x-limit":123456789012345678901234567890},"annotations":{"x-hint":null}},` +
    `{"name":"plain","inputSchema":{"type":"object"}}],"x-list":true}`,
)
const promptList = '{"prompts":[{"name":"ask","x-odd":[1.0]}]}'
const resourceList = '{"resources":[{"uri":"odd://thing","name":"thing","x-odd":1.0}]}'

function readNamed(params: JsonObject, key: string): Buffer | undefined {
  const inArguments = toObject(params['arguments'])[key]
  const named = toText(inArguments, toText(params[key]))
  const file = named === '' ? process.env[`${key.toUpperCase()}_FILE`] : named
  return file !== undefined && existsSync(file) ? readFileSync(file) : undefined
}

function toReply(call: Call, params: JsonObject): RawReply {
  const bytes = readNamed(params, 'reply')
  if (bytes === undefined) return new RawReply('result', '{}')
  const newline = bytes.indexOf(10)
  const kind = bytes.toString('latin1', 0, newline)
  const body = bytes.subarray(newline + 1)
  if (kind === 'result' || kind === 'error') return new RawReply(kind, body)
  return new RawReply('line', splice(body, ['id'], call.id))
}

const act: Handler = async (call, peer) => {
  const params = call.value
  const emit = readNamed(params, 'emit')
  if (emit !== undefined) peer.sendRaw(emit)
  const question = readNamed(params, 'ask')
  if (question !== undefined) await peer.askRaw(question)
  return toReply(call, params)
}

serveRaw({
  name: 'odd',
  capabilities: { tools: {}, prompts: {}, resources: {} },
  handlers: {
    'tools/list': () => new RawReply('result', toolList),
    'prompts/list': () => new RawReply('result', promptList),
    'resources/list': () => new RawReply('result', resourceList),
    'resources/templates/list': () => ({ resourceTemplates: [] }),
  },
  otherwise: act,
})
