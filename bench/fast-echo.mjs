// The server under the benchmark: as fast as plain JavaScript gets, so that what lies before it shows. It collects its
// writes per tick.
import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers'
import { toAnswer } from './fast-answers.mjs'

const lineEnd = Buffer.from('\n')

/** @type {Buffer[]} */
let waiting = []
/** @type {Buffer[]} */
let partial = []

function flush() {
  process.stdout.write(waiting.length === 1 ? /** @type {Buffer} */ (waiting[0]) : Buffer.concat(waiting))
  waiting = []
}

/** @param {Buffer} line */
function answer(line) {
  const pieces = toAnswer(line)
  if (pieces.length === 0) return
  if (waiting.length === 0) setImmediate(flush)
  waiting.push(...pieces, lineEnd)
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
