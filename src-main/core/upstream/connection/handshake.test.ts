import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { toOpening } from '../../../testing/fake-carrier.ts'
import type { Carrier } from './carrier.ts'
import { startHandshake } from './handshake.ts'

interface Message {
  readonly id?: number
  readonly method: string
  readonly params: {
    readonly protocolVersion: string
    readonly capabilities: object
    readonly clientInfo: { readonly name: string; readonly version: string }
  }
}

async function begin(timeoutMs = 10_000) {
  const sent: Message[] = []
  const revisions: string[] = []
  const carrier: Pick<Carrier, 'send' | 'setRevision'> = {
    send: (parts) => sent.push(JSON.parse(Buffer.concat(parts).toString()) as Message),
    setRevision: (revision) => revisions.push(revision),
  }
  const handshake = startHandshake(carrier, timeoutMs)
  handshake.opened.catch(() => undefined)
  await nextTurn()
  const id = sent[0]?.id ?? 'none'
  const take = (line: string) => handshake.take(Buffer.from(line))
  return { sent, revisions, handshake, id, take }
}

const opening = (changes: object = {}) => JSON.stringify({ ...toOpening(), ...changes })

describe('startHandshake', () => {
  it('introduces Patchbay and names what it can bridge to a client', async () => {
    const { sent } = await begin()
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({ method: 'initialize', params: { clientInfo: { name: 'patchbay' } } })
    expect(Object.keys(sent[0]!.params.capabilities).toSorted()).toEqual(['elicitation', 'roots', 'sampling'])
  })

  it('gives the answer byte for byte and confirms it', async () => {
    const { sent, handshake, id, take } = await begin()
    const result = `{ "big":9007199254740993, "n" : 1.0,${opening().slice(1)}`
    expect(take(`{"jsonrpc":"2.0","id":${id},"result":${result}}`)).toBe(true)
    expect((await handshake.opened).toString()).toBe(result)
    expect(sent.map(({ method }) => method)).toEqual(['initialize', 'notifications/initialized'])
  })

  it('understands older revisions and refuses one that nobody knows', async () => {
    const older = await begin()
    older.take(`{"jsonrpc":"2.0","id":${older.id},"result":${opening({ protocolVersion: '2024-11-05' })}}`)
    await expect(older.handshake.opened).resolves.toBeInstanceOf(Buffer)
    const odd = await begin()
    odd.take(`{"jsonrpc":"2.0","id":${odd.id},"result":${opening({ protocolVersion: '1999-01-01' })}}`)
    await expect(odd.handshake.opened).rejects.toThrow(/^it refused the opening “initialize”: “.*1999-01-01/)
  })

  it('understands a server that gives the id back as a string', async () => {
    const { handshake, id, take } = await begin(500)
    take(`{"jsonrpc":"2.0","id":"${id}","result":${opening()}}`)
    await expect(handshake.opened).resolves.toBeInstanceOf(Buffer)
  })

  it('leaves requests, notifications and lines that are no message to others', async () => {
    const { take } = await begin()
    expect(take('{"jsonrpc":"2.0","id":1,"method":"ping"}')).toBe(false)
    expect(take('{"jsonrpc":"2.0","method":"notifications/message"}')).toBe(false)
    expect(take('[]')).toBe(false)
  })

  it('tells what a server says that refuses', async () => {
    const { handshake, id, take } = await begin()
    take(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32000,"message":"No licence."}}`)
    await expect(handshake.opened).rejects.toThrow('it refused the opening “initialize”: “No licence.”')
  })

  it('tells that a server did not answer in time', async () => {
    const { handshake } = await begin(20)
    await expect(handshake.opened).rejects.toThrow('it did not answer the opening “initialize” within 0.02 s')
  })

  it('rejects, and throws at nobody, when the answer is broken inside', async () => {
    const { handshake, id, take } = await begin(500)
    expect(() => take(`{"jsonrpc":"2.0","id":${id},"result":{"capabilities" {}}}`)).not.toThrow()
    await expect(handshake.opened).rejects.toThrow(/^it /)
  })

  it('takes no answer to somebody else for its own', async () => {
    const { handshake, id, take } = await begin()
    take('{"jsonrpc":"2.0","id":"other","result":{"before":true}}')
    take(`{"jsonrpc":"2.0","id":${id},"result":${opening()}}`)
    take('{"jsonrpc":"2.0","id":"other","result":{"after":true}}')
    expect((await handshake.opened).toString()).toBe(opening())
  })
})
