import { describe, expect, it } from 'vitest'
import { accepts, isJson, isPlainEncoding } from './media-types.ts'

describe('isJson', () => {
  it.each([
    ['application/json', true],
    ['Application/JSON; charset=UTF-8', true],
    ['application/json;charset="utf-8"', true],
    ['application/json; x=y', true],
    ['application/json; charset=utf-16', false],
    ['application/jsonp', false],
    ['text/plain', false],
    ['', false],
    [undefined, false],
  ])('%j: %s', (contentType, isRight) => {
    expect(isJson(contentType)).toBe(isRight)
  })
})

describe('isPlainEncoding', () => {
  it.each([
    [undefined, true],
    ['identity', true],
    ['', true],
    ['gzip', false],
    ['identity, gzip', false],
  ])('%j: %s', (encoding, isRight) => {
    expect(isPlainEncoding(encoding)).toBe(isRight)
  })
})

describe('accepts', () => {
  const both = ['application/json', 'text/event-stream']

  it.each([
    [undefined, true],
    ['*/*', true],
    ['application/json, text/event-stream', true],
    ['text/event-stream;q=0.5 , Application/JSON', true],
    ['application/*, text/*', true],
    ['application/json, */*;q=0.1', true],
    ['application/json', false],
    ['text/event-stream', false],
    ['application/json, text/event-stream;q=0', false],
    ['*/*, text/event-stream;q=0.0', false],
    ['text/html', false],
    ['', false],
  ])('%j: %s', (accept, isRight) => {
    expect(accepts(accept, both)).toBe(isRight)
  })
})
