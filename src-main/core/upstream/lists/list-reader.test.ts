import { describe, expect, it } from 'vitest'
import {
  createFakeConnection,
  toOpening,
  type FakeAnswers,
  type SentMessage,
} from '../../../testing/fake-carrier.ts'
import { readList, toOfferedKinds } from './list-reader.ts'

const toCursor = (params: SentMessage['params']) =>
  typeof params?.['cursor'] === 'string' ? params['cursor'] : ''

async function read(answers: FakeAnswers, timeoutMs = 5000) {
  const { connection, carrier } = createFakeConnection(answers)
  await connection.opened
  const items = await readList(connection, 'tools', timeoutMs)
  return {
    keys: items.map(({ key }) => key),
    texts: items.map(({ bytes }) => bytes.toString()),
    asked: carrier.sentOf('tools/list').map(({ params }) => params),
  }
}

describe('readList', () => {
  it('asks page by page, with the cursor of the page before', async () => {
    const pages: Record<string, object> = {
      '': { tools: [{ name: 'a' }], nextCursor: 'two' },
      two: { tools: [{ name: 'b' }, { name: 'a', again: true }], nextCursor: 'thr"ee' },
      'thr"ee': { tools: [{ name: 'c' }] },
    }
    const { texts, asked } = await read({
      'tools/list': ({ params }) => pages[toCursor(params)],
    })
    // Of two with one name the first counts.
    expect(texts).toEqual(['{"name":"a"}', '{"name":"b"}', '{"name":"c"}'])
    expect(asked).toEqual([{}, { cursor: 'two' }, { cursor: 'thr"ee' }])
  })

  it('ends with a null cursor as with none', async () => {
    const { keys } = await read({ 'tools/list': () => ({ tools: [{ name: 'a' }], nextCursor: null }) })
    expect(keys).toEqual(['a'])
  })

  it('gives up when the pages go round in a circle', async () => {
    const reading = read({
      'tools/list': ({ params }) => ({ tools: [], nextCursor: params?.['cursor'] === 'a' ? 'b' : 'a' }),
    })
    await expect(reading).rejects.toThrow('its tools/list comes back to the same page again and again')
  })

  it('gives up when the pages do not end', async () => {
    let page = 0
    const reading = read({ 'tools/list': () => ({ tools: [], nextCursor: `page ${page++}` }) })
    await expect(reading).rejects.toThrow('its tools/list does not end after 1000 pages')
    expect(page).toBe(1000)
  })

  it('has nothing of a server that does not know the method', async () => {
    const { keys } = await read({
      'tools/list': ({ id }) => `{"id":${id ?? 0},"error":{"code":-32601,"message":"no"}}`,
    })
    expect(keys).toEqual([])
  })

  it('tells what the server answered when it answers with another error', async () => {
    const reading = read({
      'tools/list': ({ id }) => `{"id":${id ?? 0},"error":{"code":-32603,"message":"disk"}}`,
    })
    await expect(reading).rejects.toThrow('it answered tools/list with error -32603')
  })

  it('tells when there is no answer in time', async () => {
    await expect(read({}, 20)).rejects.toThrow('it did not answer tools/list within 0.02 s')
  })

  it('tells when the list is no JSON', async () => {
    const reading = read({ 'tools/list': ({ id }) => `{"id":${id ?? 0},"result":{"tools":[{"name" "a"}]}}` })
    await expect(reading).rejects.toThrow(SyntaxError)
  })
})

describe('toOfferedKinds', () => {
  it('follows the capabilities that the server named', async () => {
    const kindsOf = async (capabilities: object) => {
      const { connection } = createFakeConnection({ initialize: () => toOpening(capabilities) })
      await connection.opened
      return toOfferedKinds(connection)
    }
    expect(await kindsOf({})).toEqual([])
    expect(await kindsOf({ tools: {}, logging: {} })).toEqual(['tools'])
    expect(await kindsOf({ resources: {}, prompts: {} })).toEqual([
      'resources',
      'resourceTemplates',
      'prompts',
    ])
  })
})
