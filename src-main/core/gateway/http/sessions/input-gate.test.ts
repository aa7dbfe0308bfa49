import { expect, it } from 'vitest'
import { parseMessage } from '#base/json-rpc.ts'
import { InputGate } from './input-gate.ts'

it('lets through in order, once nothing holds, and stops in the middle when something holds again', () => {
  const gate = new InputGate()
  const passed: string[] = []
  gate.pass(1e6, () => passed.push('at once'))
  gate.hold()
  gate.hold()
  gate.pass(1e6, () => {
    passed.push('first')
    gate.hold()
  })
  gate.pass(1e6, () => passed.push('second'))
  gate.release()
  expect(passed).toEqual(['at once'])
  gate.release()
  expect(passed).toEqual(['at once', 'first'])
  gate.release()
  expect(passed).toEqual(['at once', 'first', 'second'])
})

it('lets all through at its end', () => {
  const gate = new InputGate()
  const passed: string[] = []
  gate.hold()
  for (const name of ['first', 'second']) gate.pass(1e6, () => passed.push(name))
  gate.end()
  gate.hold()
  gate.pass(1e6, () => passed.push('late'))
  gate.release()
  expect(passed).toEqual(['first', 'second', 'late'])
})

it('lets small messages through while something holds, up to a point', () => {
  const gate = new InputGate()
  const passed: number[] = []
  gate.hold()
  gate.pass(64 * 1024 + 1, () => passed.push(-1))
  gate.pass(Infinity, () => passed.push(-2))
  for (let count = 0; count < 200; count++) gate.pass(64 * 1024, () => passed.push(count))
  expect(passed).toHaveLength(128)
  gate.release()
  expect(passed).toHaveLength(202)
  expect(passed.slice(128, 131)).toEqual([-1, -2, 128])
  gate.hold()
  gate.pass(1, () => passed.push(-3))
  expect(passed.at(-1)).toBe(-3)
})

it('knows which requests were taken back while they waited', () => {
  const gate = new InputGate()
  const read = (text: string): boolean => gate.isTakenBack(parseMessage(Buffer.from(text)))
  const cancel = (id: string) => `{"method":"notifications/cancelled","params":{"requestId":${id}}}`
  expect(read(cancel('1'))).toBe(false)
  expect(read('{"id":1,"method":"x"}')).toBe(false)
  gate.hold()
  gate.pass(1e6, () => undefined)
  expect(read(cancel('2'))).toBe(false)
  expect(read(cancel('"2"'))).toBe(false)
  gate.release()
  expect(read('{"id":2,"method":"x"}')).toBe(true)
  expect(read('{"id":2,"method":"x"}')).toBe(false)
  expect(read('{"id":"2","method":"x"}')).toBe(true)
  expect(read('{"id":3,"method":"x"}')).toBe(false)
})
