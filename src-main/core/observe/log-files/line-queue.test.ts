import { describe, expect, it } from 'vitest'
import { LineQueue } from './line-queue.ts'

const lost = (count: number): string => `${count} lost`

function take(queue: LineQueue, maxBytes = Infinity, firstMaxBytes = maxBytes): string[] {
  return queue.take(maxBytes, firstMaxBytes, lost).map((line) => line.bytes.toString())
}

describe('LineQueue', () => {
  it('gives lines in order, each with its end, as many as fit', () => {
    const queue = new LineQueue(10_000)
    for (const line of ['one', 'two', 'three', 'ä']) queue.add(line)
    expect(take(queue, 9)).toEqual(['one\n', 'two\n'])
    expect(take(queue, 5)).toEqual([])
    expect(take(queue, 1, 6)).toEqual(['three\n'])
    expect(queue.isEmpty).toBe(false)
    expect(take(queue, 3)).toEqual(['ä\n'])
    expect(queue.isEmpty).toBe(true)
    expect(take(queue)).toEqual([])
  })

  it('loses the oldest lines beyond its size, and says how many in their place', () => {
    const queue = new LineQueue(10 * (64 + 10))
    for (let i = 0; i < 1000; i++) queue.add(`line ${String(i).padStart(4, '0')}`)
    const lines = take(queue)
    expect(lines).toEqual([
      '990 lost\n',
      ...Array.from({ length: 10 }, (...[, i]) => `line ${String(990 + i).padStart(4, '0')}\n`),
    ])
    queue.add('next')
    expect(take(queue)).toEqual(['next\n'])
  })

  it('takes lines back that could not be written, and counts lost ones through that', () => {
    const queue = new LineQueue(4 * (64 + 2))
    for (const line of 'abcdef') queue.add(line)
    const taken = queue.take(13, 13, lost)
    expect(taken.map((line) => line.bytes.toString())).toEqual(['2 lost\n', 'c\n', 'd\n', 'e\n'])
    queue.putBack(taken)
    // "2 lost", "c" and "d" make room for "g".
    queue.add('g')
    expect(take(queue)).toEqual(['3 lost\n', 'd\n', 'e\n', 'f\n', 'g\n'])
  })

  it('a line that is larger than the queue is lost alone', () => {
    const queue = new LineQueue(200)
    queue.add('x'.repeat(1000))
    expect(queue.isEmpty).toBe(false)
    expect(take(queue)).toEqual(['1 lost\n'])
    expect(queue.isEmpty).toBe(true)
  })
})
