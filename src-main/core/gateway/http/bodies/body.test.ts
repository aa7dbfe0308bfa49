import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { begin } from '../../../../testing/gateway-client.ts'
import { patience } from '../../../../testing/patience.ts'
import { BodyBudget } from './body-budget.ts'
import { readBody, type BodyLimits, type BodyOutcome } from './body.ts'

interface Read {
  readonly request: IncomingMessage
  readonly outcome: Promise<BodyOutcome>
}

/** A server that reads every body within these limits. */
async function openReader(limits: Partial<BodyLimits> = {}) {
  const reads: Read[] = []
  const all = { mostBytes: 10_000_000, withinMs: 60_000, budget: new BodyBudget(), ...limits }
  const server = createServer((request, response) => {
    const outcome = new Promise<BodyOutcome>((resolve) => {
      readBody(request, all, resolve)
    })
    reads.push({ request, outcome })
    void outcome.then(() => response.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const post = (headers: Record<string, string> = {}) => {
    const outgoing = begin(url, { method: 'POST', headers })
    outgoing.on('error', () => undefined)
    return outgoing
  }
  const next = async (): Promise<Read> => {
    await vi.waitFor(() => {
      expect(reads).not.toHaveLength(0)
    }, patience)
    return reads.shift()!
  }
  return { post, next }
}

describe('readBody', { timeout: 20_000 }, () => {
  it('gives a body whole, in one piece and in many', async () => {
    const { post, next } = await openReader()
    post().end('short')
    expect(String(await (await next()).outcome)).toBe('short')
    const long = 'x'.repeat(3_000_000)
    post().end(long)
    expect(String(await (await next()).outcome)).toBe(long)
  })

  it('tells of one that is too large, broken, or does not come to its end', async () => {
    const { post, next } = await openReader({ mostBytes: 10, withinMs: 300 })
    post().end('x'.repeat(11))
    expect(await (await next()).outcome).toBe('too-large')
    const slow = post({ 'Content-Length': '5' })
    slow.write('x')
    expect(await (await next()).outcome).toBe('too-slow')
    const broken = post({ 'Content-Length': '5' })
    broken.write('x')
    const read = await next()
    broken.destroy()
    expect(await read.outcome).toBe('broken')
  })

  it('waits with what is long until there is room for it, and its time does not run meanwhile', async () => {
    const budget = new BodyBudget(1_000_000)
    const giveBack = budget.reserve(900_000, () => undefined)
    const { post, next } = await openReader({ budget, withinMs: 500 })
    post().end('x'.repeat(200_000))
    const held = await next()
    post().end('short')
    expect(String(await (await next()).outcome)).toBe('short')
    await vi.waitFor(() => {
      expect(held.request.isPaused()).toBe(true)
    }, patience)
    // Longer than a body may take while it is read.
    const later = await openReader({ withinMs: 700 })
    later.post({ 'Content-Length': '5' }).write('x')
    expect(await (await later.next()).outcome).toBe('too-slow')
    giveBack()
    expect((await held.outcome).length).toBe(200_000)
  })

  it('makes room for the next once it is done, and when it breaks off', async () => {
    const { post, next } = await openReader({ budget: new BodyBudget(300_000) })
    const first = post({ 'Content-Length': '200000' })
    first.write('x'.repeat(150_000))
    const broken = await next()
    const second = post({ 'Content-Length': '200000' })
    second.end('x'.repeat(200_000))
    const waiting = await next()
    await vi.waitFor(() => {
      expect(waiting.request.isPaused()).toBe(true)
    }, patience)
    first.destroy()
    expect(await broken.outcome).toBe('broken')
    expect((await waiting.outcome).length).toBe(200_000)
  })
})
