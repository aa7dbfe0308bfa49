import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { replaceControls } from '#base/plain-text.ts'
import { toListenAddress } from '../guards/door.ts'
import { findPortOwner, isPatchbay } from './port-owner.ts'

/** The port is taken by another program. The message is for people. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

/** There can be no listening at this address, for another reason. The message is for people. */
export class AddressUnusable extends Error {
  override readonly name = 'AddressUnusable'
}

/** A port that is listened on. */
export interface Listener {
  readonly port: number
  /**
   * Takes no new connections, and closes those that there are: idle ones at once, the others once they are, and at the
   * latest after so many milliseconds. Called again, it may only come to its end sooner.
   */
  close(withinMs: number): Promise<void>
}

/** What takes what comes to a port. */
export interface ListenerEvents {
  readonly onConnection: (socket: Socket) => void
  /** `isAsking`: it waits to be told to go on before it sends its body. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, isAsking: boolean) => void
}

/** Listens for HTTP. Rejects with PortTaken or AddressUnusable. */
export async function openListener(
  host: string,
  port: number,
  { onConnection, onRequest }: ListenerEvents,
): Promise<Listener> {
  const server = createServer({
    // All of these in milliseconds. Bodies have a time of their own, which does not run while we do not read them.
    headersTimeout: 10_000,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2000,
    maxHeaderSize: 16 * 1024,
    insecureHTTPParser: false,
    // Our own guard tells more.
    requireHostHeader: false,
  })
  server.maxConnections = 1024
  server.timeout = 0
  server.on('connection', onConnection)
  server.on('request', (request, response) => {
    onRequest(request, response, false)
  })
  server.on('checkContinue', (request, response) => {
    onRequest(request, response, true)
  })
  const address = toListenAddress(host)
  try {
    await listen(server, address, port)
  } catch (error) {
    throw await toListenError(error, { host, address, port })
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: createCloser(server),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function toListenError(
  error: unknown,
  { host, address, port }: { host: string; address: string; port: number },
): Promise<unknown> {
  const { code } = error as NodeJS.ErrnoException
  const way = 'Choose another with --port or gateway.port, or do without HTTP with --no-http.'
  if (code === 'EADDRINUSE') {
    const [owner, isOurs] = await Promise.all([findPortOwner(port), isPatchbay(address, port)])
    const name = owner && replaceControls(owner.name ?? 'a program', '\ufffd').slice(0, 100)
    const who = owner === undefined ? 'another program' : `${name ?? ''} (pid ${owner.pid})`
    const hint = isOurs ? ', which looks like another Patchbay' : ''
    return new PortTaken(`Port ${port} is taken by ${who}${hint}. ${way}`)
  }
  if (code === 'EACCES') return new AddressUnusable(`Port ${port} is not open to this user. ${way}`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EINVAL') {
    return new AddressUnusable(
      `“${host}” is no address of this computer (${code}): change --host or gateway.host, such as 127.0.0.1.`,
    )
  }
  return error
}

function createCloser(server: Server): Listener['close'] {
  let closed: Promise<void> | undefined
  return async (withinMs) => {
    closed ??= close(server)
    const timer = setTimeout(() => {
      server.closeAllConnections()
    }, withinMs)
    await closed
    clearTimeout(timer)
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Those that have just had their last answer.
    const timer = setInterval(() => {
      server.closeIdleConnections()
    }, 20)
    server.close(() => {
      clearInterval(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
