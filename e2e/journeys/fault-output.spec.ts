// Servers whose output is broken: garbage, half lines, NUL bytes, lines beyond the limit, stray and doubled answers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measureCalls } from '../clients/latency.ts'
import { Message } from '../clients/message.ts'
import type { RawClient } from '../clients/raw-client.ts'
import { eventually, readCallError, waitForTool } from '../clients/views.ts'
import { median, tellFigure } from '../hosts/figure.ts'
import { startHeadless, toServerEntry, type Headless } from '../hosts/headless.ts'
import { toTinyEntry } from '../hosts/tiny-server.ts'
import { readRecord } from '../servers/record.ts'

const megabyte = 1024 * 1024
let folder: string
let record: string
let app: Headless
let client: RawClient

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'pb-faulty-'))
  record = path.join(folder, 'record')
  const entry = { isolation: 'shared', restart: { delayMs: 100, jitter: false, max: 50 } }
  const faulty = toServerEntry('faulty.ts', {}, { ...entry, env: { RECORD_FILE: record } })
  const servers = { faulty, good: toTinyEntry() }
  app = await startHeadless({ config: { servers, limits: { messageBytes: megabyte } } })
  client = await openClient()
})

afterAll(async () => {
  await app.dispose()
  rmSync(folder, { recursive: true })
})

async function openClient(): Promise<RawClient> {
  const opened = await app.openSocket()
  await opened.initialize({ sampling: {} })
  await waitForTool(opened, 'faulty__garbage')
  await waitForTool(opened, 'good__pid')
  return opened
}

/** Fails when the faulty server was replaced meanwhile: its process is another then. */
async function expectSameProcess(run: () => Promise<void>): Promise<void> {
  const pid = await client.callText('faulty__pid')
  await run()
  expect(await client.callText('faulty__pid')).toBe(pid)
}

describe('a server that writes', () => {
  it('garbage between its messages goes on, and so do calls in flight', () =>
    expectSameProcess(async () => {
      const slow = client.callText('faulty__sleep', { ms: 300, value: 'slept' })
      for (let times = 1; times <= 20; times++)
        expect(await client.callText('faulty__garbage')).toBe('survived')
      expect(await slow).toBe('slept')
    }))

  it('an answer byte by byte, with half of it for as long as it likes, delays only itself', () =>
    expectSameProcess(async () => {
      const gate = path.join(folder, 'gate')
      const text = 'Grüße, 你好 '.repeat(20)
      let isAnswered = false
      const split = client.callText('faulty__split', { text, gate }).finally(() => {
        isAnswered = true
      })
      const p50 = median(await measureCalls(300, client, 'good__echo', { text: 'x' }))
      tellFigure('p50 of another server while half a line is there', p50, 'ms')
      expect(p50).toBeLessThan(50)
      expect(isAnswered).toBe(false)
      writeFileSync(gate, '')
      expect(await split).toBe(text)
    }))

  it('its last answer without a line end, and is gone, has answered', async () => {
    expect(await client.callText('faulty__last-words')).toBe('last words')
    await eventually(async () =>
      (await client.request('tools/call', { name: 'faulty__pid' })).raw('result'),
    ).toBeDefined()
  })

  it('a line beyond limits.messageBytes fails the call that it answers, at once, and no other', () =>
    expectSameProcess(async () => {
      const slow = client.callText('faulty__sleep', { ms: 500, value: 'slept' })
      const [error, small] = await Promise.all([
        readCallError(client, 'faulty__blob', { bytes: 2 * megabyte }),
        client.callText('faulty__blob', { bytes: 1000 }),
      ])
      expect(error.message).toMatch(/“faulty”.*limits\.messageBytes/)
      expect(small).toHaveLength(1000)
      expect(await slow).toBe('slept')
    }))
})

describe('a server that answers too often', () => {
  it('is heard once, whoever asked, and answers that nobody asked for reach nobody', () =>
    expectSameProcess(async () => {
      const other = await openClient()
      const clients = [client, other]
      const marks = clients.map((one) => one.mark())
      const calls = clients.flatMap((one, index) =>
        [...Array(50).keys()].map(async (number) => {
          const text = `client ${index} call ${number}`
          const times = 1 + (number % 3)
          expect(await one.callText('faulty__repeat', { text, times })).toBe(text)
        }),
      )
      await Promise.all(calls)
      // What was written after the last answer has come through with this one.
      for (const one of clients) await one.callText('faulty__pid')
      for (const [index, one] of clients.entries()) {
        const ids = one.received.slice(marks[index]).map((message) => message.idKey)
        expect(ids).toHaveLength(51)
        expect(new Set(ids).size).toBe(51)
      }
      other.leave()
    }))

  it('asks several questions with one id: each is put and answered once, to the client whose call it is', () =>
    expectSameProcess(async () => {
      const other = await openClient()
      for (const one of [client, other])
        one.onQuestion('sampling/createMessage', (question) => {
          const messages = question.get('params', 'messages') as { content: { text: string } }[]
          return { answered: messages[0]!.content.text, by: one === client ? 'first' : 'second' }
        })
      const tags = ['a', 'b', 'c']
      expect(await other.callText('faulty__ask-with-one-id', { tags })).toBe('asked')
      const read = (): unknown[] =>
        readRecord(record)
          .map((line) => new Message(line))
          .filter((line) => line.method === undefined && line.idKey === 'number 7')
          .map((line) => line.result)
      await eventually(() => read().length).toBe(3)
      await other.callText('faulty__pid')
      expect(read()).toEqual(tags.map((answered) => ({ answered, by: 'second' })))
      expect(client.questions).toEqual([])
      other.leave()
    }))
})
