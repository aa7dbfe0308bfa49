import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How many connections may be there on which no right token was shown: the others are for those who have it. */
const usualStrangers = 256

/** The connections of a listener, and what is to be answered on them. */
export class Connections {
  readonly #mostStrangers: number
  /** On which no right token was shown, the one that was used last at the end. */
  readonly #strangers = new Set<Socket>()
  /** Responses whose turn on their connection has not come. */
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>()
  readonly #inFlight = new Set<ServerResponse>()

  constructor(mostStrangers: number = usualStrangers) {
    this.#mostStrangers = mostStrangers
  }

  /** One more is there. When strangers are too many, the one that was silent for longest is cut off. */
  add(socket: Socket): void {
    this.#strangers.add(socket)
    socket.once('close', () => {
      this.#strangers.delete(socket)
    })
    const [longest] = this.#strangers
    if (this.#strangers.size > this.#mostStrangers) longest?.destroy()
  }

  /** A request came on it. */
  note(socket: Socket, isFriend: boolean): void {
    if (!this.#strangers.delete(socket) || isFriend) return
    this.#strangers.add(socket)
  }

  isStranger(socket: Socket): boolean {
    return this.#strangers.has(socket)
  }

  /** A request that may take its time will be answered so. */
  follow(socket: Socket, response: ServerResponse): void {
    this.#inFlight.add(response)
    response.on('close', () => this.#inFlight.delete(response))
    if (response.socket === null) this.#closeWith(socket, response)
  }

  /** The answers that are not begun are the last ones on their connections. */
  endAfterAnswers(): void {
    for (const response of this.#inFlight) response.shouldKeepAlive = false
  }

  /**
   * Lets a response that waits for earlier ones on its connection know when that is closed: Node 20 tells only the one
   * whose turn it is.
   */
  #closeWith(socket: Socket, response: ServerResponse): void {
    const waiting = this.#waiting.get(socket) ?? this.#watch(socket)
    waiting.add(response)
    response.once('socket', () => {
      waiting.delete(response)
    })
  }

  /** One listener for all of them: as many as one likes may wait on one connection. */
  #watch(socket: Socket): Set<ServerResponse> {
    const waiting = new Set<ServerResponse>()
    this.#waiting.set(socket, waiting)
    socket.once('close', () => {
      for (const response of waiting) {
        if (response.destroyed) continue
        response.destroy()
        response.emit('close')
      }
    })
    return waiting
  }
}
