import { describe, expect, it } from 'vitest'
import { admit, type Door } from './hello.ts'

const door: Door = {
  isRightToken: (token) => token === 'right',
  onWrongToken: () => 0,
  hasServer: (name) => name === 'files',
  isFull: () => false,
}
const hello = (changes: object = {}) =>
  JSON.stringify({
    patchbay: 1,
    token: 'right',
    client: { name: 'zed' },
    profile: null,
    server: null,
    ...changes,
  })

describe('admit', () => {
  it('lets a client in, to the whole or to one server', () => {
    const client = { name: 'zed', pid: 5, cwd: '/home/me' }
    expect(admit(hello({ client }), door)).toEqual({ ok: true, client, server: undefined })
    expect(admit(hello({ server: 'files' }), door)).toMatchObject({ ok: true, server: 'files' })
  })

  it('does without profile and server, and passes over what it does not know', () => {
    const text = '{"patchbay":1,"token":"right","client":{"name":"x","new":1},"new":2}'
    expect(admit(text, door)).toEqual({ ok: true, client: { name: 'x' }, server: undefined })
  })

  it.each([
    ['a wrong token', hello({ token: 'wrong' })],
    ['no token', hello({ token: undefined })],
    ['another version', hello({ patchbay: 2 })],
    ['no client', hello({ client: undefined })],
    ['a name that is too long', hello({ client: { name: 'x'.repeat(201) } })],
    ['a folder that is too long', hello({ client: { name: 'x', cwd: 'x'.repeat(5000) } })],
    ['no JSON', 'GET / HTTP/1.1'],
    ['no object', '[]'],
  ])('refuses %s as a bad token', (...[, text]) => {
    expect(admit(text, door)).toMatchObject({ ok: false, code: 'bad-token' })
  })

  it('names the profile or server that is not there', () => {
    expect(admit(hello({ profile: 'work' }), door)).toMatchObject({ ok: false, code: 'unknown-profile' })
    const answer = admit(hello({ server: 'docs' }), door)
    expect(answer).toMatchObject({ ok: false, code: 'unknown-server' })
    expect(answer.ok ? '' : answer.message).toContain('“docs”')
  })

  it('says nothing of servers and profiles before the token is right', () => {
    const text = hello({ token: 'wrong', server: 'docs', profile: 'work' })
    expect(JSON.stringify(admit(text, door))).not.toMatch(/docs|work/)
    expect(admit(text, door)).toMatchObject({ code: 'bad-token' })
  })

  it('is busy for wrong tokens while too many of them come', () => {
    const flooded = { ...door, onWrongToken: () => 7 }
    expect(admit(hello({ token: 'wrong' }), flooded)).toMatchObject({ ok: false, code: 'busy' })
    expect(admit('no hello', flooded)).toMatchObject({ message: expect.stringContaining('in 7 s') as string })
    expect(admit(hello(), flooded)).toMatchObject({ ok: true })
  })

  it('is busy when the house is full, but says so only to who may come in', () => {
    const full = { ...door, isFull: () => true }
    expect(admit(hello(), full)).toMatchObject({ ok: false, code: 'busy' })
    expect(admit(hello({ token: 'wrong' }), full)).toMatchObject({ ok: false, code: 'bad-token' })
  })
})
