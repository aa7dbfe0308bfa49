import { describe, expect, it } from 'vitest'
import type { HttpExchange, HttpListener } from './http-client.ts'
import { OpenExchanges } from './open-exchanges.ts'

describe('OpenExchanges', () => {
  const silent: HttpListener = {
    onResponse: () => undefined,
    onData: () => undefined,
    onEnd: () => undefined,
    onError: () => undefined,
  }

  function start(open: OpenExchanges): { told: string[]; exchange: HttpExchange; listener: HttpListener } {
    const told: string[] = []
    let listener = silent
    const exchange = open.start(
      (tracked) => {
        listener = tracked
        return {
          pause: () => told.push('pause'),
          resume: () => told.push('resume'),
          abort: () => told.push('abort'),
        }
      },
      { ...silent, onEnd: () => told.push('end'), onError: () => told.push('error') },
    )
    return { told, exchange, listener }
  }

  it('are held until as many releases have come, those that begin meanwhile as well', () => {
    const open = new OpenExchanges()
    const before = start(open)
    open.hold()
    open.hold()
    const meanwhile = start(open)
    open.release()
    expect([before.told, meanwhile.told]).toEqual([['pause'], ['pause']])
    open.release()
    open.abortAll()
    open.abortAll()
    expect([before.told, meanwhile.told]).toEqual([
      ['pause', 'resume', 'abort'],
      ['pause', 'resume', 'abort'],
    ])
  })

  it('are no longer among them once they are over or aborted', () => {
    const open = new OpenExchanges()
    const [ended, broken, aborted] = [start(open), start(open), start(open)]
    ended.listener.onEnd()
    broken.listener.onError(new Error('x'))
    aborted.exchange.abort()
    open.hold()
    open.abortAll()
    expect([ended.told, broken.told, aborted.told]).toEqual([['end'], ['error'], ['abort']])
  })

  it('can be held one by one', () => {
    const { told, exchange } = start(new OpenExchanges())
    exchange.pause()
    exchange.resume()
    expect(told).toEqual(['pause', 'resume'])
  })
})
