import { describe, expect, it } from 'vitest'
import type { HttpExchange } from './http-client.ts'
import { OpenExchanges } from './open-exchanges.ts'

describe('OpenExchanges', () => {
  function create(): HttpExchange & { readonly told: string[] } {
    const told: string[] = []
    return {
      told,
      pause: () => told.push('pause'),
      resume: () => told.push('resume'),
      abort: () => told.push('abort'),
    }
  }

  it('are held until as many releases have come, those that begin meanwhile as well', () => {
    const open = new OpenExchanges()
    const [before, meanwhile, over] = [create(), create(), create()]
    open.add(before)
    open.add(over)
    open.delete(over)
    open.hold()
    open.hold()
    open.add(meanwhile)
    open.release()
    expect([before.told, meanwhile.told]).toEqual([['pause'], ['pause']])
    open.release()
    open.abortAll()
    open.abortAll()
    expect([before.told, meanwhile.told, over.told]).toEqual([
      ['pause', 'resume', 'abort'],
      ['pause', 'resume', 'abort'],
      [],
    ])
  })
})
