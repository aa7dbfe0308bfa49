import { chmod, rm } from 'node:fs/promises'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { commandClient, helloLimits, type HelloAnswer } from '#contract/rendezvous.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../observe/logger.ts'
import type { Router } from '../router/router.ts'
import type { AccessToken } from './access-token.ts'
import { ClientCarrier } from './client-carrier.ts'
import { admit, type Door } from './hello.ts'
import { makePrivateFolder } from './private-files.ts'
import { withStartLock } from './start-lock.ts'
import type { WrongTokens } from './wrong-tokens.ts'

/** What the local socket needs. */
export interface SocketOptions {
  readonly socket: string
  readonly platform: NodeJS.Platform
  readonly token: AccessToken
  readonly wrongTokens: WrongTokens
  /** What holds for clients that come after a change. */
  readonly limits: Config['limits']
  readonly router: Router
  readonly logger: Logger
}

/** The socket is taken by a program that is alive. */
export class SocketTaken extends Error {
  override readonly name = 'SocketTaken'
}

/** The open local socket. */
export interface SocketEndpoint {
  /** Ends the clients that are there; others may come. */
  endClients(): void
  /** Takes no new clients, ends those that are there, and removes the socket. */
  close(): Promise<void>
}

const maxClients = 512
/** How many may be there that have said no hello. */
const maxStrangers = 64

/** Opens the local socket, which only this user can reach. Rejects with SocketTaken when another app answers on it. */
export async function openSocketEndpoint(options: SocketOptions): Promise<SocketEndpoint> {
  const { socket, platform } = options
  const house: House = { carriers: new Set(), strangers: new Set() }
  const { carriers, strangers } = house
  const server = createServer({ pauseOnConnect: false }, (connection) => {
    welcome(connection, options, house)
  })
  if (platform === 'win32') await listen(server, socket, platform)
  else {
    await makePrivateFolder(path.dirname(socket))
    await withStartLock(`${socket}.lock`, () => listen(server, socket, platform))
    await chmod(socket, 0o600)
  }
  return {
    endClients: () => {
      for (const carrier of [...carriers]) {
        if (!strangers.has(carrier)) carrier.close()
      }
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      for (const carrier of [...carriers]) carrier.close()
      await closed
    },
  }
}

/** Who is connected. */
interface House {
  readonly carriers: Set<ClientCarrier>
  /** Those of them that have said no hello, the oldest first. */
  readonly strangers: Set<ClientCarrier>
}

/** Listens; a socket that nobody answers on any more is what an app that was killed left behind. */
async function listen(server: Server, socket: string, platform: NodeJS.Platform): Promise<void> {
  try {
    await tryListen(server, socket)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (platform === 'win32' || (await answers(socket))) throw new SocketTaken(`“${socket}” is in use.`)
    await rm(socket, { force: true })
    await tryListen(server, socket)
  }
}

function tryListen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket)
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => {
      resolve(false)
    })
  })
}

/** Waits for a client's hello and lets it in, or tells it why not. */
function welcome(connection: Socket, options: SocketOptions, { carriers, strangers }: House): void {
  const { router, limits, logger } = options
  const { messageBytes } = limits
  const streams = { input: connection, output: connection, messageBytes, logger }
  const timer = setTimeout(() => {
    carrier.close()
  }, helloLimits.milliseconds)
  const carrier = new ClientCarrier(streams, () => {
    clearTimeout(timer)
    carriers.delete(carrier)
    strangers.delete(carrier)
    // What is still to be written goes out; a peer that does not take it is not waited for.
    setTimeout(() => {
      connection.destroy()
    }, 1000).unref()
  })
  carriers.add(carrier)
  strangers.add(carrier)
  const [oldest] = strangers
  if (strangers.size > maxStrangers) oldest?.close()
  const answer = (line: HelloAnswer): void => {
    carrier.send([Buffer.from(JSON.stringify(line))])
  }
  connection.on('data', limitHello)
  carrier.giveTo({
    receive: (line) => {
      clearTimeout(timer)
      strangers.delete(carrier)
      connection.off('data', limitHello)
      if (line.length > helloLimits.bytes) {
        carrier.close()
        return
      }
      const admission = admit(line.toString(), toDoor(options, carriers))
      if (!admission.ok) {
        const { code } = admission
        // Of wrong tokens their counter tells.
        const isTold = code === 'bad-token' || (code === 'busy' && carriers.size <= maxClients)
        if (!isTold) logger.warning('A client was not let in.', { code, carrier: 'socket' })
        answer({ patchbay: 1, ...admission })
        carrier.close()
        return
      }
      const { client, server } = admission
      const who = { client: client.name, ...(client.pid === undefined ? {} : { pid: client.pid }) }
      const introduced = server === undefined ? who : { ...who, server }
      // Our own commands come and go with every question that they have.
      const level = client.name === commandClient ? 'debug' : 'info'
      logger[level]('A client connected.', introduced)
      connection.once('close', () => {
        logger[level]('A client left.', introduced)
      })
      answer({ patchbay: 1, ok: true })
      carrier.join(router.connect({ name: client.name, server, port: carrier }))
    },
  })

  let helloBytes = 0
  function limitHello(chunk: Buffer): void {
    const end = chunk.indexOf(0x0a)
    helloBytes += end === -1 ? chunk.length : end
    if (helloBytes > helloLimits.bytes) carrier.close()
  }
}

function toDoor({ router, token, wrongTokens }: SocketOptions, carriers: ReadonlySet<ClientCarrier>): Door {
  return {
    isRightToken: (given) => token.isSame(given),
    onWrongToken: () => wrongTokens.note('socket'),
    hasServer: (name) => router.hasServer(name),
    isFull: () => carriers.size > maxClients,
  }
}
