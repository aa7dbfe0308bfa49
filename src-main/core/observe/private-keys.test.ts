import { describe, expect, it } from 'vitest'
import { PrivateKeyLines } from './private-keys.ts'

const mask = '•••'

describe('PrivateKeyLines', () => {
  it('takes out the lines of a key up to its end, and what comes after it is there', () => {
    const keys = new PrivateKeyLines()
    const lines = [
      'before',
      '-----BEGIN RSA PRIVATE KEY-----',
      '> MIIEabc',
      '-----END RSA PRIVATE KEY----- after',
      'next',
    ]
    expect(lines.map((line) => keys.mask(line))).toEqual(['before', lines[1], mask, `${mask} after`, 'next'])
  })

  it('takes nothing out after a key that stands in one line', () => {
    const keys = new PrivateKeyLines()
    const line = String.raw`-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----`
    expect([line, 'next', '-----BEGIN CERTIFICATE-----', 'MIIF'].map((text) => keys.mask(text))).toEqual([
      ...[line, 'next', '-----BEGIN CERTIFICATE-----', 'MIIF'],
    ])
  })

  it('sees another key that begins in the line where one ends', () => {
    const keys = new PrivateKeyLines()
    const [begin, end] = ['-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----']
    expect([begin, `${end} ${begin}`, 'MIIE'].map((text) => keys.mask(text))).toEqual([
      ...[begin, `${mask} ${begin}`, mask],
    ])
  })

  it('waits no longer than 100 lines for the end', () => {
    const keys = new PrivateKeyLines()
    keys.mask('expected -----BEGIN PRIVATE KEY-----')
    const lines = Array.from({ length: 101 }, () => keys.mask('text'))
    expect(lines).toEqual([...Array<string>(100).fill(mask), 'text'])
  })
})
