// The server under the benchmark: as fast as plain JavaScript gets, so that what lies before it shows. It knows the three
// requests of the driver and of the app, takes what it needs from the bytes by search, and collects its writes per tick.
import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers'

const initialized =
  '{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"fast","version":"1"}}'
const tools = '{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}'

/** @type {Buffer[]} */
let waiting = []
/** @type {Buffer[]} */
let partial = []

function flush() {
  process.stdout.write(waiting.length === 1 ? /** @type {Buffer} */ (waiting[0]) : Buffer.concat(waiting))
  waiting = []
}

/** @param {(Buffer | string)[]} pieces */
function send(...pieces) {
  if (waiting.length === 0) setImmediate(flush)
  for (const piece of pieces) waiting.push(Buffer.from(piece))
}

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
function answer(line) {
  // The search ends at the first match, which in a long line stands near its beginning.
  if (!line.includes('"id":')) return
  const id = valueAfter(line, '"id":')
  send('{"jsonrpc":"2.0","id":', id, ',"result":')
  if (line.includes('"tools/call"')) {
    send('{"content":[{"type":"text","text":', valueAfter(line, '"text":'), '}]}')
  } else if (line.includes('"initialize"')) send(initialized)
  else send(line.includes('"tools/list"') ? tools : '{}')
  send('}\n')
}

process.stdin.on('data', (/** @type {Buffer} */ chunk) => {
  let from = 0
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
    const tail = chunk.subarray(from, end)
    answer(partial.length === 0 ? tail : Buffer.concat([...partial, tail]))
    partial = []
    from = end + 1
  }
  if (from < chunk.length) partial.push(chunk.subarray(from))
})
process.stdin.on('end', () => process.exit(0))
