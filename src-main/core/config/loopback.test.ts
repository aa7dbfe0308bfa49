import { describe, expect, it } from 'vitest'
import { isLoopback, withoutBrackets } from './loopback.ts'

describe('isLoopback', () => {
  it.each([
    ...['127.0.0.1', '127.255.0.3', '::1', '[::1]', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'],
    ...['localhost', 'LocalHost'],
  ])('%s: only this computer reaches it', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  it.each([
    ...['0.0.0.0', '::', '[::]', '128.0.0.1', '126.255.255.255', '192.168.0.1', '::2', '::ffff:10.0.0.1'],
    ...['localhost.example.com', 'example.com', '127.0.0.1.example.com', '127.1', '', '*'],
  ])('%j: others may reach it', (host) => {
    expect(isLoopback(host)).toBe(false)
  })
})

it('takes the brackets of an IPv6 address away', () => {
  expect(['[::1]', '::1', '127.0.0.1', 'localhost'].map(withoutBrackets)).toEqual([
    '::1',
    '::1',
    '127.0.0.1',
    'localhost',
  ])
})
