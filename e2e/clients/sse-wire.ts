// A wire over the old HTTP+SSE transport without SDK: one stream of events for what comes, a POST for each line that goes.
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { readByteLines } from '../servers/byte-lines.ts'
import { EventStreamReader } from './event-stream.ts'
import { HttpLink, readBody, type HttpTarget } from './http-link.ts'
import { LineIntake } from './line-intake.ts'
import type { Wire } from './wire.ts'

/** Posts one line; the next one goes when this one was taken, so that the order is kept. */
async function post(link: HttpLink, path: string, line: Buffer): Promise<string | undefined> {
  const headers = { 'content-type': 'application/json' }
  const response = await link.send({ method: 'POST', path, headers, body: line }).response
  if (response instanceof Error) return `POST: ${response.message}`
  const body = await readBody(response)
  return response.statusCode === 202 || response.statusCode === 200
    ? undefined
    : `POST: HTTP ${String(response.statusCode)} ${body.toString('utf8', 0, 200)}`
}

/** Reads the stream of events to its end; the endpoint's path goes to `onEndpoint`. Gives what went wrong, if something did. */
async function readStream(
  response: IncomingMessage | Error,
  intake: LineIntake,
  onEndpoint: (path: string) => void,
): Promise<string | undefined> {
  if (response instanceof Error) return `GET: ${response.message}`
  if (response.statusCode !== 200)
    return `GET: HTTP ${String(response.statusCode)} ${(await readBody(response)).toString('utf8', 0, 200)}`
  const reader = new EventStreamReader(({ type, data }) => {
    if (data === undefined) return
    if (type === 'endpoint') onEndpoint(data.toString('utf8'))
    else if (type === 'message') intake.push(data)
  })
  await intake.read(response, (chunk) => {
    reader.push(chunk)
  })
  return undefined
}

/** Opens the stream of events at the url; lines wait until it has named the address for them. */
export function openSseWire(target: HttpTarget): Wire {
  const link = new HttpLink(target)
  const intake = new LineIntake()
  const output = new PassThrough()
  const failures: string[] = []
  const note = (failure: string | undefined): void => {
    if (failure !== undefined) failures.push(failure)
  }
  const { promise: endpoint, resolve: onEndpoint } = Promise.withResolvers<string>()
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<null>()
  const destroy = (): void => {
    link.destroy()
    intake.end()
    onClosed(null)
  }
  void link
    .send({ method: 'GET', headers: { accept: 'text/event-stream' } })
    .response.then((response) => readStream(response, intake, onEndpoint))
    .then(note)
    .finally(destroy)
  let queue: Promise<void> = Promise.resolve()
  readByteLines(output, (line) => {
    queue = queue.then(async () => {
      note(await post(link, await endpoint, line))
    })
  })
  output.on('end', () => {
    void queue.finally(destroy)
  })
  return {
    input: intake.stream,
    output,
    pid: undefined,
    stderr: () => failures.join('\n'),
    closed,
    end: () => output.end(),
    destroy,
    leave: destroy,
  }
}
