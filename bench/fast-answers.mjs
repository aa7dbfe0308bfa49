// What the servers under the benchmark say, for stdio and HTTP alike: they know the few requests of the driver and of
// the app, and take what they need from the bytes by search.
import { Buffer } from 'node:buffer'

const initialized =
  '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"fast","version":"1"}}'
const tools = '{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}'
const unknown = ',"error":{"code":-32601,"message":"This server knows no such method."}}'

/**
 * The raw value after a key; strings without escapes and numbers only.
 * @param {Buffer} line
 * @param {string} key
 */
function valueAfter(line, key) {
  const start = line.indexOf(key) + key.length
  if (line[start] === 0x22) return line.subarray(start, line.indexOf('"', start + 1) + 1)
  let end = start
  while (line[end] !== 0x2c && line[end] !== 0x7d) end++
  return line.subarray(start, end)
}

/** @param {Buffer} line */
function findOutcome(line) {
  // The search ends at the first match, which in a long line stands near its beginning.
  if (line.includes('"tools/call"'))
    return [',"result":{"content":[{"type":"text","text":', valueAfter(line, '"text":'), '}]}}']
  if (line.includes('"initialize"')) return [`,"result":${initialized}}`]
  if (line.includes('"tools/list"')) return [`,"result":${tools}}`]
  return [line.includes('"ping"') ? ',"result":{}}' : unknown]
}

/**
 * The answer to a message, in pieces; none to a notification.
 * @param {Buffer} line
 * @returns {Buffer[]}
 */
export function toAnswer(line) {
  if (!line.includes('"id":')) return []
  const pieces = ['{"jsonrpc":"2.0","id":', valueAfter(line, '"id":'), ...findOutcome(line)]
  return pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece))
}
