import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import path from 'node:path'
import { addAbortSignal } from 'node:stream'
import * as contract from '../src-main/contract/rendezvous.ts'

/** Whom to reach, and as whom. */
export interface Target {
  readonly folder: string
  readonly hello: Omit<contract.Hello, 'token' | 'patchbay'>
  /** Once aborted, closes the socket, joined or not. */
  readonly signal: AbortSignal
}

/** How one attempt to reach the app went: a socket, paused, or a refusal's code and the reason in words. */
export type Attempt =
  | { readonly socket: Socket; readonly code?: never; readonly reason?: never }
  | { readonly socket?: never; readonly code?: contract.HelloRefusal; readonly reason: string }

/** Finds the app, connects and says hello, with `milliseconds` for the answer. Never throws. */
export async function connectToApp(target: Target, milliseconds: number): Promise<Attempt> {
  let socket: Socket | undefined
  try {
    // At once: a small file is read before a thread is there to read it.
    const text = readFileSync(path.join(target.folder, contract.rendezvousFile), 'utf8')
    const rendezvous = contract.parseRendezvous(text)
    socket = addAbortSignal(target.signal, connect(rendezvous.socket))
    socket.on('error', () => socket?.destroy())
    socket.write(`${JSON.stringify({ patchbay: 1, token: rendezvous.token, ...target.hello })}\n`)
    socket.setTimeout(milliseconds, () => socket?.destroy(new Error('it does not answer on its socket')))
    let read = Buffer.alloc(0)
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      read = Buffer.concat([read, chunk as Buffer])
      if (read.includes('\n') || read.length > contract.helloLimits.bytes) break
    }
    socket.setTimeout(0)
    const end = read.indexOf('\n')
    if (end === -1) throw new Error('it closed the connection without an answer')
    socket.unshift(read.subarray(end + 1))
    const answer = contract.parseHelloAnswer(read.toString('utf8', 0, end))
    if (answer.ok) return { socket }
    socket.destroy()
    return { code: answer.code, reason: answer.message }
  } catch (error) {
    socket?.destroy()
    const { code, message } = error as NodeJS.ErrnoException
    return { reason: code === 'ENOENT' || code === 'ECONNREFUSED' ? 'it is not running' : message }
  }
}
