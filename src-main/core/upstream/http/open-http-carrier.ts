import type { Parts } from '#base/splice.ts'
import type { HttpTransport } from '../../config/config.ts'
import type { About, Carrier, CarrierEnd, CarrierListener } from '../connection/carrier.ts'
import type { HttpTarget } from './http-target.ts'
import type { HttpTrouble } from './http-trouble.ts'
import { SseCarrier } from './sse-carrier.ts'
import { StreamableCarrier } from './streamable-carrier.ts'

/** Opens a carrier to a server behind an address. */
export function openHttpCarrier(
  type: HttpTransport['type'],
  target: HttpTarget,
  listener: CarrierListener,
): Carrier {
  return type === 'sse' ? new SseCarrier(target, listener) : new FallbackCarrier(target, listener)
}

/** How servers of the older transport answer when they are posted to (MCP 2025-11-25, "Backwards Compatibility"). */
const olderStatuses = new Set([400, 404, 405])
/** One that speaks the older transport tells where to post to at once: later than this it counts as one that does not. */
const mostEndpointMs = 5000

/** Streamable HTTP, or the older transport where the server turns out to speak only that. */
class FallbackCarrier implements Carrier {
  readonly #target: HttpTarget
  readonly #listener: CarrierListener
  /** The opening, until it is answered. */
  #opening: { readonly parts: Parts; readonly about: About } | undefined
  #inner: Carrier

  constructor(target: HttpTarget, listener: CarrierListener) {
    this.#target = target
    this.#listener = listener
    this.#inner = new StreamableCarrier(target, listener, (trouble, status) =>
      this.#fallBack(trouble, status),
    )
  }

  get isCongested(): boolean {
    return this.#inner.isCongested
  }

  send(parts: Parts, about?: About): void {
    if (this.#opening === undefined && about !== undefined) this.#opening = { parts, about }
    this.#inner.send(parts, about)
  }

  setRevision(revision: string): void {
    this.#inner.setRevision(revision)
  }

  forget(request: number): void {
    this.#inner.forget(request)
  }

  checkNow(): void {
    this.#inner.checkNow()
  }

  holdReading(): void {
    this.#inner.holdReading()
  }

  releaseReading(): void {
    this.#inner.releaseReading()
  }

  isSuspended(): Promise<boolean> {
    return this.#inner.isSuspended()
  }

  stop(): Promise<void> {
    return this.#inner.stop()
  }

  #fallBack(trouble: HttpTrouble, status: number): boolean {
    if (!olderStatuses.has(status) || this.#opening === undefined) return false
    let isOpen = false
    const listener = {
      ...this.#listener,
      onLine: (line: Buffer) => {
        isOpen = true
        this.#listener.onLine(line)
      },
      onClosed: (end: CarrierEnd) => {
        // That it does not speak the older transport either is not what went wrong.
        this.#listener.onClosed(isOpen ? end : toEnd(trouble))
      },
    }
    // In time for the first trouble to be told.
    const endpointMs = Math.min(mostEndpointMs, this.#target.connectMs / 2)
    this.#inner = new SseCarrier(this.#target, listener, endpointMs)
    this.#inner.send(this.#opening.parts, this.#opening.about)
    return true
  }
}

function toEnd({ kind, reason, retryAfterMs }: HttpTrouble): CarrierEnd {
  return { kind, reason, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}
