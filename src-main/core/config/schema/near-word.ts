/** The candidate that was probably meant, if one is near: other case, few letters off, or one within the other. */
export function findNearWord(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.min(3, Math.ceil(word.length / 3) + 1)
  for (const candidate of candidates) {
    // Each letter more is one to remove; a word may be as long as a file.
    if (Math.abs(word.length - candidate.length) >= bestDistance) continue
    const distance = toDistance(wanted, candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best ?? candidates.find((candidate) => isPart(wanted, candidate.toLowerCase()))
}

function isPart(left: string, right: string): boolean {
  return Math.min(left.length, right.length) >= 4 && (left.includes(right) || right.includes(left))
}

/** How many letters to add, remove, change or swap with their neighbour to come from one word to the other. */
function toDistance(from: string, to: string): number {
  const rows = [[...Array(to.length + 1).keys()]]
  const cell = (row: number, column: number): number => rows[row]?.[column] ?? Number.POSITIVE_INFINITY
  for (let row = 1; row <= from.length; row += 1) {
    rows.push([row])
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      const change = cell(row - 1, column - 1) + (isSame ? 0 : 1)
      const swap = isSwapped ? cell(row - 2, column - 2) + 1 : change
      rows[row]?.push(Math.min(cell(row - 1, column) + 1, cell(row, column - 1) + 1, change, swap))
    }
  }
  return cell(from.length, to.length)
}
