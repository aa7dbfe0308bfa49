// The id of a message that was too long to be kept: only its first and last bytes are there.

const opening = String.raw`^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?`
const idFirst = new RegExp(String.raw`${opening}"id"\s*:\s*(\d+)\s*,\s*"(?:result|error)"`)
const outcomeFirst = new RegExp(`${opening}"(?:result|error)"`)
const idLast = /"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/
const questionFirst = new RegExp(String.raw`${opening}"id"\s*:\s*(\d+|"[^"\\]*")\s*,\s*"method"`)

/** The number that is the id of an answer: it stands right at the start or right at the end. */
export function findAnsweredId(first: Buffer, last: Buffer): number | undefined {
  const start = first.toString('latin1')
  const found =
    idFirst.exec(start) ?? (outcomeFirst.test(start) ? idLast.exec(last.toString('latin1')) : null)
  return found?.[1] === undefined ? undefined : Number(found[1])
}

/** The id of a request, as bytes, when it stands right at its start. */
export function findQuestionId(first: Buffer): Buffer | undefined {
  const id = questionFirst.exec(first.toString('latin1'))?.[1]
  return id === undefined ? undefined : Buffer.from(id, 'latin1')
}
