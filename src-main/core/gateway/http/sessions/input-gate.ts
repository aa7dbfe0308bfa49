import { findMember, idKey } from '#base/json-head.ts'
import type { RpcMessage } from '#base/json-rpc.ts'
import { smallBytes } from '../bodies/body.ts'

/** How much passes while something holds, in bytes. */
const mostPassedBytes = 8 * 1024 * 1024
const mostTakenBack = 1024

/**
 * Keeps what a client sends from being read while a server does not keep up. Small messages pass all the same, up to a
 * point: answers, and that something is taken back, must not wait behind what holds them up.
 */
export class InputGate {
  #holds = 0
  #passedBytes = 0
  #waiting: (() => void)[] = []
  /** Keys of requests that were taken back while something waited here: they may be what waited. */
  readonly #takenBack = new Set<string>()

  hold(): void {
    this.#holds++
  }

  /** Once for each `hold`. */
  release(): void {
    this.#holds--
    if (this.#holds > 0) return
    this.#passedBytes = 0
    // What is read may well hold it again.
    while (this.#holds <= 0) {
      const go = this.#waiting.shift()
      if (go === undefined) return
      go()
    }
  }

  /** Nothing is held any more, whatever comes. */
  end(): void {
    this.#holds = -Infinity
    for (const go of this.#waiting.splice(0)) go()
  }

  /** Calls `go` for a message of so many bytes, now or as soon as nothing holds. */
  pass(bytes: number, go: () => void): void {
    if (this.#holds <= 0 || this.#isLetThrough(bytes)) go()
    else this.#waiting.push(go)
  }

  /** Whether a message that came through is a request that was taken back meanwhile: it is to be dropped. */
  isTakenBack(message: RpcMessage): boolean {
    if (message.kind === 'request') return this.#takenBack.delete(idKey(message.bytes, message.id))
    const isCancel = message.kind === 'notification' && message.method === 'notifications/cancelled'
    if (!isCancel || this.#waiting.length === 0) return false
    const id = findMember(message.bytes, message.params, 'requestId')
    if (id !== undefined && this.#takenBack.size < mostTakenBack)
      this.#takenBack.add(idKey(message.bytes, id))
    return false
  }

  #isLetThrough(bytes: number): boolean {
    if (bytes > smallBytes || this.#passedBytes + bytes > mostPassedBytes) return false
    this.#passedBytes += bytes
    return true
  }
}
