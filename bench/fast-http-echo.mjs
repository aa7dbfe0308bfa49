// The HTTP server under the benchmark: Node's own HTTP server and nothing else, with answers as JSON. Prints its URL.
import { Buffer } from 'node:buffer'
import { createServer } from 'node:http'
import { toAnswer } from './fast-answers.mjs'

const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    response.writeHead(405, { Allow: 'POST', 'Content-Length': 0 }).end()
    return
  }
  /** @type {Buffer[]} */
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const answer = Buffer.concat(toAnswer(Buffer.concat(chunks)))
    if (answer.length === 0) response.writeHead(202, { 'Content-Length': 0 }).end()
    else {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length })
      response.end(answer)
    }
  })
})
// Connections that rest while other routes are measured are still there afterwards.
server.keepAliveTimeout = 600_000
server.listen(0, '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  process.stdout.write(`http://127.0.0.1:${address.port}/mcp\n`)
})
process.on('SIGTERM', () => process.exit(0))
