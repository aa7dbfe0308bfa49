// A reverse proxy of the kind that breaks event streams. Options: `target` (an origin); `mode` `buffer` (holds each response
// back until it is whole) or `idle` (cuts connections that were silent for `idleMs`, 1000 unless given).
import { createServer, request as openRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toNumber, toText } from './json-values.ts'
import { readServerOptions } from './kit.ts'

const given = readServerOptions()
const target = new URL(toText(given['target']))
const buffers = toText(given['mode'], 'buffer') === 'buffer'
const idleMs = toNumber(given['idleMs'], 1000)

function passBack(answer: IncomingMessage, response: ServerResponse): void {
  const status = answer.statusCode ?? 502
  if (!buffers) {
    response.writeHead(status, answer.headers)
    response.flushHeaders()
    answer.pipe(response)
    return
  }
  const chunks: Buffer[] = []
  answer.on('data', (chunk: Buffer) => chunks.push(chunk))
  answer.on('end', () => {
    const body = Buffer.concat(chunks)
    const { 'transfer-encoding': chunked, ...headers } = answer.headers
    response.writeHead(
      status,
      chunked === undefined ? headers : { ...headers, 'content-length': body.length },
    )
    response.end(body)
  })
  answer.on('error', () => response.destroy())
}

const server = createServer((request, response) => {
  const options = {
    method: request.method,
    path: request.url,
    headers: { ...request.headers, host: target.host },
  }
  const onward = openRequest(target, options, (answer) => {
    passBack(answer, response)
  })
  onward.on('error', () => response.destroy())
  response.on('close', () => onward.destroy())
  request.pipe(onward)
})
if (!buffers) {
  server.on('connection', (socket) => {
    // The time-out of the socket itself is one that the HTTP server sets anew with each request.
    let before = -1
    const timer = setInterval(() => {
      const bytes = socket.bytesRead + socket.bytesWritten
      if (bytes === before) socket.destroy()
      before = bytes
    }, idleMs / 2)
    socket.on('close', () => {
      clearInterval(timer)
    })
  })
}
server.listen(toNumber(given['port']), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.stdin.resume().on('end', () => {
  process.exit(0)
})
